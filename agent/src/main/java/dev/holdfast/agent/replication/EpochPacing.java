package dev.holdfast.agent.replication;

import dev.holdfast.agent.hypervisor.replication.EpochEnd;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/**
 * When epochs begin. The interval that the administrator asked for holds while an epoch takes less than half of it; longer ones
 * stretch it, and so does each that was given up; it shrinks again by a quarter at a time. Never beyond ten times. Thread-safe.
 */
final class EpochPacing {
    /** How many ends are kept for people. */
    static final int KEPT = 60;

    private static final int MOST = 10;

    private final Duration wanted;
    private final Deque<EpochEnd> ends = new ArrayDeque<>();
    private Duration interval;

    /** @param wanted from the begin of one epoch to that of the next */
    EpochPacing(Duration wanted) {
        this.wanted = wanted;
        this.interval = wanted;
    }

    /** From the begin of one epoch to that of the next, now. */
    synchronized Duration interval() {
        return interval;
    }

    /** The last epochs, the oldest first. */
    synchronized List<EpochEnd> ends() {
        return List.copyOf(ends);
    }

    /** An epoch has ended, whichever way. */
    synchronized void ended(EpochEnd end) {
        if (ends.size() == KEPT) {
            ends.removeFirst();
        }
        ends.add(end);
        Duration twice = end.length().multipliedBy(2);
        if (end.outcome() == EpochEnd.Outcome.ABORTED) {
            interval = bounded(longer(interval.multipliedBy(2), twice));
        } else if (end.outcome() == EpochEnd.Outcome.COMMITTED) {
            interval = bounded(longer(interval.multipliedBy(3).dividedBy(4), twice));
        }
    }

    /** Another standby: what was learned with the last one does not hold. */
    synchronized void begin() {
        interval = wanted;
    }

    /** What the interval is stretched to at most. */
    Duration most() {
        return wanted.multipliedBy(MOST);
    }

    private Duration bounded(Duration wish) {
        return wish.compareTo(most()) > 0 ? most() : longer(wish, wanted);
    }

    private static Duration longer(Duration one, Duration other) {
        return one.compareTo(other) > 0 ? one : other;
    }
}
