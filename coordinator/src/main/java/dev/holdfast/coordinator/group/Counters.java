package dev.holdfast.coordinator.group;

import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/** Counts what goes through the channel. Thread-safe. */
final class Counters {

    private final LongAdder sent = new LongAdder();
    private final LongAdder received = new LongAdder();
    private final Map<Drop, LongAdder> dropped = new EnumMap<>(Drop.class);

    Counters() {
        for (Drop reason : Drop.values()) {
            dropped.put(reason, new LongAdder());
        }
    }

    void sent() {
        sent.increment();
    }

    void received() {
        received.increment();
    }

    void dropped(Drop reason) {
        dropped.get(reason).increment();
    }

    ChannelFigures figures() {
        Map<Drop, Long> sums = new EnumMap<>(Drop.class);
        dropped.forEach((reason, adder) -> sums.put(reason, adder.sum()));
        return new ChannelFigures(sent.sum(), received.sum(), sums);
    }
}
