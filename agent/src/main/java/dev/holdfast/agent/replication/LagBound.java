package dev.holdfast.agent.replication;

import dev.holdfast.coordinator.replication.ReplicaEvent;
import java.io.IOException;
import java.time.Duration;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How far the guest may go beyond its standby: the guard holds it, and this agent looks at the time, too. A guard that does not answer
 * is waited for a moment, but not for ever: the guest would stand still for want of a guard. The machine's thread.
 */
final class LagBound {
    private static final Logger LOG = LoggerFactory.getLogger(LagBound.class);
    private static final int TRIES = 20;

    private final LagGuard guard;
    private final Guest guest;
    private final SerialThread thread;
    private final Consumer<ReplicaEvent> events;
    private long armed;
    private int tries;

    LagBound(LagGuard guard, Guest guest, SerialThread thread, Consumer<ReplicaEvent> events) {
        this.guard = guard;
        this.guest = guest;
        this.thread = thread;
        this.events = events;
    }

    /** The guest is held after that time, in the epoch after this one. */
    void arm(long epoch, Duration left) throws NotYetException {
        Duration after = left.toMillis() > 0 ? left : Duration.ofMillis(1);
        try {
            guard.arm(after);
            tries = 0;
        } catch (IOException e) {
            if (guest.isEnding()) {
                return;
            }
            failed(e);
            LOG.error("nothing but this agent bounds how far the guest goes beyond its standby: {}", e.getMessage());
        }
        armed = epoch;
        thread.after(after, () -> passed(epoch));
    }

    private void failed(IOException why) throws NotYetException {
        if (tries++ < TRIES) {
            throw new NotYetException(why);
        }
        tries = 0;
    }

    private void passed(long epoch) {
        if (armed == epoch) {
            events.accept(new ReplicaEvent.LagPassed(epoch));
        }
    }

    /** The guard has held it. Any thread. */
    void held() {
        thread.execute(() -> {
            if (armed > 0) {
                passed(armed);
            }
        });
    }

    void disarm() throws NotYetException {
        armed = 0;
        try {
            guard.disarm();
            tries = 0;
        } catch (IOException e) {
            if (!guest.isEnding()) {
                failed(e);
            }
        }
    }

    /** There is nothing that could be held. */
    void forget() {
        armed = 0;
    }
}
