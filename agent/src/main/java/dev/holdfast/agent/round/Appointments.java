package dev.holdfast.agent.round;

import dev.holdfast.coordinator.protocol.RoundId;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

/** When the rounds of this node are to stop their machines. Thread-safe. */
final class Appointments {

    /** Longer is not waited, whatever was asked for. */
    private static final long MOST_NANOS = 10_000_000;

    private final LongSupplier nanoClock;
    private final Map<RoundId, Long> atNanos = new ConcurrentHashMap<>();

    /** @param nanoClock the monotonic clock */
    Appointments(LongSupplier nanoClock) {
        this.nanoClock = nanoClock;
    }

    void make(RoundId round, long inNanos) {
        long now = nanoClock.getAsLong();
        atNanos.values().removeIf(at -> at - now <= 0);
        if (inNanos > 0) {
            atNanos.put(round, now + Math.min(inNanos, MOST_NANOS));
        }
    }

    /** Returns when it is time. */
    void await(RoundId round) {
        Long at = atNanos.get(round);
        if (at == null) {
            return;
        }
        for (long left = at - nanoClock.getAsLong(); left > 0; left = at - nanoClock.getAsLong()) {
            LockSupport.parkNanos(left);
        }
    }
}
