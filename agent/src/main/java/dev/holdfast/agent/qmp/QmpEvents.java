package dev.holdfast.agent.qmp;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.function.Predicate;

/**
 * The events of some names from the moment of the subscription on, in order. Bounded: when nobody takes them the newest
 * are dropped and {@link #overflowed()} says so for ever. Subscribe before the command is sent whose event is awaited.
 *
 * <p>Thread-safe.
 */
public final class QmpEvents implements AutoCloseable {
    /** Events held for a subscriber that does not take them. */
    public static final int CAPACITY = 1024;

    private final QmpClient client;
    private final Set<String> names;
    private final LongSupplier nanoClock;
    private final ArrayDeque<QmpEvent> queue = new ArrayDeque<>();
    private boolean overflowed;
    private boolean ended;

    QmpEvents(QmpClient client, Set<String> names, LongSupplier nanoClock) {
        this.client = client;
        this.names = Set.copyOf(names);
        this.nanoClock = nanoClock;
    }

    synchronized void offer(QmpEvent event) {
        if (!names.contains(event.name())) {
            return;
        }
        if (queue.size() == CAPACITY) {
            overflowed = true;
        } else {
            queue.add(event);
        }
        notifyAll();
    }

    synchronized void end() {
        ended = true;
        notifyAll();
    }

    /**
     * Waits for the next event that fits; those before it that do not fit are dropped.
     *
     * @return empty if the time is over
     * @throws QmpException if the connection is gone before one came, or if events were dropped
     */
    public synchronized Optional<QmpEvent> await(Predicate<QmpEvent> fits, Duration timeout) throws QmpException {
        long start = nanoClock.getAsLong();
        while (true) {
            for (QmpEvent event = queue.poll(); event != null; event = queue.poll()) {
                if (fits.test(event)) {
                    return Optional.of(event);
                }
            }
            if (ended || overflowed) {
                throw QmpException.closed(
                        "wait for " + names, ended ? client.closeReason() : "more events than could be held", null);
            }
            long left = timeout.toNanos() - (nanoClock.getAsLong() - start);
            if (left <= 0) {
                return Optional.empty();
            }
            try {
                wait(left / 1_000_000, (int) (left % 1_000_000));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw QmpException.closed("wait for " + names, "the waiting thread was interrupted", e);
            }
        }
    }

    /** Takes everything that has come so far. */
    public synchronized List<QmpEvent> takeAll() {
        List<QmpEvent> all = new ArrayList<>(queue);
        queue.clear();
        return all;
    }

    /** Whether events were lost. */
    public synchronized boolean overflowed() {
        return overflowed;
    }

    /** Ends the subscription. */
    @Override
    public void close() {
        client.unsubscribe(this);
    }
}
