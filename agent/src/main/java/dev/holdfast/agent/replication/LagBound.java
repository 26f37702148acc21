package dev.holdfast.agent.replication;

import dev.holdfast.coordinator.replication.ReplicaEvent;
import dev.holdfast.coordinator.replication.ReplicaState;
import dev.holdfast.coordinator.replication.Shrinking;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How far the guest may go beyond its standby: the guard holds it, and this agent looks at the time, too. A guard that does not answer
 * is waited for a moment, but not for ever: the guest would stand still for want of a guard. The machine's thread, but
 * for what says otherwise.
 */
final class LagBound {
    private static final Logger LOG = LoggerFactory.getLogger(LagBound.class);
    private static final int TRIES = 20;
    private static final Duration AGAIN = Duration.ofMillis(50);
    private static final Duration LONGEST = Duration.ofSeconds(1);

    private final LagGuard guard;
    private final Guest guest;
    private final SerialThread thread;
    private final Consumer<ReplicaEvent> events;
    private final LongSupplier nanoClock;
    /** When the guard holds it; in the past if nothing is armed, or it has. */
    private volatile long passesAt;

    /** It was waited for in vain, and has not answered since: no guest stands still for it again. */
    private volatile boolean away;

    private long armed;
    private long arming;
    private int tries;

    LagBound(LagGuard guard, Guest guest, SerialThread thread, Consumer<ReplicaEvent> events, LongSupplier nanoClock) {
        this.guard = guard;
        this.guest = guest;
        this.thread = thread;
        this.events = events;
        this.nanoClock = nanoClock;
        this.passesAt = nanoClock.getAsLong();
    }

    /** The guest is held after that time, in the epoch after this one. */
    void arm(long epoch, Duration left) throws NotYetException {
        Duration after = left.toMillis() > 0 ? left : Duration.ofMillis(1);
        try {
            arm(after);
            tries = 0;
        } catch (IOException e) {
            if (guest.isEnding()) {
                return;
            }
            failed(e);
            LOG.error("nothing but this agent bounds how far the guest goes beyond its standby: {}", e.getMessage());
        }
        armed = epoch;
        long mine = ++arming;
        thread.after(after, () -> {
            if (arming == mine) {
                passed(epoch);
            }
        });
    }

    private void arm(Duration after) throws IOException {
        guard.arm(after);
        away = false;
        passesAt = nanoClock.getAsLong() + after.toNanos();
    }

    private void over() {
        passesAt = nanoClock.getAsLong();
    }

    /**
     * The guest is about to run on after an epoch, before the rules hear of it. Does nothing while what was armed before holds it soon
     * enough and not before they do. Any thread.
     *
     * @param most how far it may go
     */
    void ensure(Duration most) {
        long start = nanoClock.getAsLong();
        boolean needed = passesAt - start < most.dividedBy(4).toNanos();
        for (int i = 0; needed && !away; i++) {
            try {
                arm(most);
                return;
            } catch (IOException e) {
                if (guest.isEnding() || i == TRIES || nanoClock.getAsLong() - start > LONGEST.toNanos()) {
                    away = true;
                    LOG.error("nothing bounds how far the guest goes beyond its standby: {}", e.getMessage());
                    return;
                }
                LockSupport.parkNanos(AGAIN.toNanos());
            }
        }
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

    /** What an agent before this one has armed passes without a word to this one. */
    void look(ReplicaState state) {
        if (armed == 0 && state instanceof Shrinking shrinking && !shrinking.held() && guest.standsStill()) {
            events.accept(new ReplicaEvent.LagPassed(shrinking.epoch()));
        }
    }

    /** The guard has held it. Any thread. */
    void held() {
        over();
        thread.execute(() -> {
            if (armed > 0) {
                passed(armed);
            }
        });
    }

    void disarm() throws NotYetException {
        armed = 0;
        over();
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
        over();
    }
}
