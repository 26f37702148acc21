package dev.holdfast.agent.replication;

import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.replication.ReplicaEffect;
import dev.holdfast.coordinator.replication.ReplicaEvent;
import dev.holdfast.coordinator.replication.ReplicaHands;
import dev.holdfast.coordinator.replication.ReplicaState;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Feeds one machine's state with events and has the effects carried out: in order, each tried again until it is done, and no event
 * before all effects of the one before. Events from any thread; everything else on the machine's own.
 */
final class ReplicaLoop {
    private static final Logger LOG = LoggerFactory.getLogger(ReplicaLoop.class);
    private static final Duration AGAIN = Duration.ofMillis(50);
    private static final int QUIET = 20;

    /** Told of what becomes of events, on the machine's thread, before the effects are carried out. */
    interface Watcher {
        void moved(ReplicaState before, ReplicaEvent event, ReplicaState after);

        void rejected(ReplicaEvent event, ReplicaState state);

        /** All effects are carried out and no event waits. */
        void settled();
    }

    private final String name;
    private final SerialThread thread;
    private final ReplicaHands<NotYetException> hands;
    private final Watcher watcher;
    private final Consumer<Throwable> fatal;
    private final Deque<ReplicaEvent> events = new ArrayDeque<>();
    private final Deque<ReplicaEffect> due = new ArrayDeque<>();
    private volatile ReplicaState state;
    private @Nullable ReplicaEvent cause;
    private boolean waiting;
    private int tries;
    private boolean broken;

    /**
     * @param name of the machine, for the log
     * @param begin the first state
     * @param fatal told of a bug in the rules: nothing may go on then
     */
    ReplicaLoop(
            String name,
            ReplicaState begin,
            SerialThread thread,
            ReplicaHands<NotYetException> hands,
            Watcher watcher,
            Consumer<Throwable> fatal) {
        this.name = name;
        this.state = begin;
        this.thread = thread;
        this.hands = hands;
        this.watcher = watcher;
        this.fatal = fatal;
    }

    /** Where it is. Effects that led there may not be carried out yet. */
    ReplicaState state() {
        return state;
    }

    /** The event whose effects are being carried out. */
    @Nullable
    ReplicaEvent cause() {
        return cause;
    }

    void post(ReplicaEvent event) {
        thread.execute(() -> {
            events.add(event);
            turn();
        });
    }

    private void turn() {
        while (!waiting && !broken && carriedOut()) {
            ReplicaEvent event = events.poll();
            if (event == null) {
                watcher.settled();
                return;
            }
            step(event);
        }
    }

    private void step(ReplicaEvent event) {
        ReplicaState before = state;
        try {
            Step<ReplicaState, ReplicaEffect> step = event.applyTo(before);
            if (step.rejection().isPresent()) {
                LOG.debug("{}: {}", name, step.rejection().get());
                watcher.rejected(event, before);
                return;
            }
            step.next().checkInvariants();
            LOG.debug("{}: {} leads to {} with {}", name, event, step.next(), step.effects());
            cause = event;
            state = step.next();
            due.addAll(step.effects());
            watcher.moved(before, event, step.next());
        } catch (IllegalStateException e) {
            broken = true;
            LOG.error("{}: {} in {} contradicts the rules; this is a bug", name, event, before, e);
            fatal.accept(e);
        }
    }

    /** Whether nothing is left to be done. */
    private boolean carriedOut() {
        for (ReplicaEffect effect = due.peek(); effect != null; effect = due.peek()) {
            try {
                effect.by(hands);
                due.remove();
                tries = 0;
            } catch (NotYetException e) {
                tries++;
                if (tries % QUIET == 1) {
                    LOG.info("{}: {} is not done yet ({}); it is tried again", name, effect, e.getMessage());
                }
                waiting = true;
                thread.after(AGAIN, () -> {
                    waiting = false;
                    turn();
                });
                return false;
            }
        }
        return true;
    }
}
