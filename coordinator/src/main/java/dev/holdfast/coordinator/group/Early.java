package dev.holdfast.coordinator.group;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * What nodes have sent that do not belong to the view here: who joins is told of it a little later than the others, and what
 * those send at once must not be lost. Kept until the next view. Thread-safe.
 *
 * @param <M> a message
 */
final class Early<M> {

    private static final int MOST = 64;

    private final Deque<M> held = new ArrayDeque<>();
    private final Runnable dropped;

    /** @param dropped told of each message that nobody will hear */
    Early(Runnable dropped) {
        this.dropped = dropped;
    }

    /**
     * Keeps a message; the oldest goes if there are too many.
     *
     * @param present looked at once more: whether its sender belongs to the view meanwhile
     * @return false if it does; the message is to be heard now
     */
    synchronized boolean hold(M message, BooleanSupplier present) {
        if (present.getAsBoolean()) {
            return false;
        }
        if (held.size() == MOST) {
            held.removeFirst();
            dropped.run();
        }
        held.addLast(message);
        return true;
    }

    /**
     * There is a new view.
     *
     * @param present whether the sender of a message belongs to it
     * @param hear gets those, in order; the others are dropped
     */
    void release(Predicate<M> present, Consumer<M> hear) {
        List<M> all;
        synchronized (this) {
            all = new ArrayList<>(held);
            held.clear();
        }
        for (M message : all) {
            if (present.test(message)) {
                hear.accept(message);
            } else {
                dropped.run();
            }
        }
    }
}
