package dev.holdfast.coordinator.group;

import dev.holdfast.coordinator.port.GroupChannel.ClockOffset;
import dev.holdfast.coordinator.protocol.Name;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * What is known of the other nodes' clocks: for each the last exchanges, of which the quickest counts. An exchange that
 * contradicts the earlier ones (somebody set a clock) makes them void. Thread-safe.
 */
final class Clocks {

    private static final int KEPT = 8;
    private static final long MAX_ROUND_TRIP_NANOS = 10_000_000_000L;
    private static final ClockOffset UNKNOWN = new ClockOffset(0, -1);

    private final Map<Name, Deque<ClockOffset>> exchanges = new HashMap<>();

    /**
     * Notes an exchange; one that took no time or too long is ignored.
     *
     * @param sentNanos this node's clock at the question
     * @param thereNanos the other's when it answered
     * @param backNanos this node's clock at the answer
     */
    synchronized void note(Name node, long sentNanos, long thereNanos, long backNanos) {
        long roundTrip = backNanos - sentNanos;
        if (roundTrip < 0 || roundTrip > MAX_ROUND_TRIP_NANOS) {
            return;
        }
        ClockOffset measured = new ClockOffset(thereNanos - (sentNanos + roundTrip / 2), (roundTrip + 1) / 2);
        Deque<ClockOffset> last = exchanges.computeIfAbsent(node, name -> new ArrayDeque<>());
        last.removeIf(earlier -> contradict(earlier, measured));
        last.addLast(measured);
        if (last.size() > KEPT) {
            last.removeFirst();
        }
    }

    private static boolean contradict(ClockOffset one, ClockOffset other) {
        return Math.abs(one.offsetNanos() - other.offsetNanos()) > one.errorNanos() + other.errorNanos();
    }

    synchronized ClockOffset offset(Name node) {
        return exchanges.getOrDefault(node, new ArrayDeque<>()).stream()
                .min(Comparator.comparingLong(ClockOffset::errorNanos))
                .orElse(UNKNOWN);
    }

    synchronized void forget(Set<Name> nodes) {
        exchanges.keySet().removeAll(nodes);
    }
}
