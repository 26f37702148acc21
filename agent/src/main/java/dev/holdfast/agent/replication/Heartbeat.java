package dev.holdfast.agent.replication;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.replication.StandbyLink;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks one standby for signs of life all the time, on a thread of its own: QEMU says nothing when a standby that hangs holds the
 * guest's disks.
 */
final class Heartbeat {
    private static final Logger LOG = LoggerFactory.getLogger(Heartbeat.class);
    private static final Duration EVERY = Duration.ofMillis(200);

    private final StandbyLink standby;
    private final Duration patience;
    private final LongSupplier nanoClock;
    private final Consumer<String> lost;
    private volatile boolean ended;
    private volatile long last;

    private Heartbeat(StandbyLink standby, Duration patience, LongSupplier nanoClock, Consumer<String> lost) {
        this.standby = standby;
        this.patience = patience;
        this.nanoClock = nanoClock;
        this.lost = lost;
        this.last = nanoClock.getAsLong();
    }

    /** @param lost called once, on the heartbeat's thread, with the reason, if there was no sign of life for that long */
    static Heartbeat begin(StandbyLink standby, Duration patience, LongSupplier nanoClock, Consumer<String> lost) {
        Heartbeat heartbeat = new Heartbeat(standby, patience, nanoClock, lost);
        Thread thread = new Thread(heartbeat::run, "replica-heartbeat");
        thread.setDaemon(true);
        thread.start();
        return heartbeat;
    }

    private void run() {
        while (!ended) {
            try {
                standby.beat(patience);
                last = nanoClock.getAsLong();
            } catch (HypervisorException e) {
                if (!ended) {
                    LOG.warn("a standby gives no sign of life: {}", e.getMessage());
                    ended = true;
                    lost.accept("no sign of life: " + e.getMessage());
                }
                return;
            }
            LockSupport.parkNanos(EVERY.toNanos());
        }
    }

    /** Whether there was a sign of life just now. */
    boolean isFresh() {
        return !ended && nanoClock.getAsLong() - last < EVERY.multipliedBy(3).toNanos();
    }

    /** Whether it goes on: the last sign of life is not too long ago. */
    boolean isAlive() {
        return !ended;
    }

    void end() {
        ended = true;
    }
}
