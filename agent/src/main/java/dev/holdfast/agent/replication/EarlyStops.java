package dev.holdfast.agent.replication;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.replication.EpochEnd;
import dev.holdfast.agent.hypervisor.replication.EpochLimits;
import dev.holdfast.agent.hypervisor.replication.Standstill;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The stops of the guest for a standby that nobody counts on yet: the last bit of its disks, and the first epoch. If the standby
 * hangs, or this agent, or if it ends, the guest runs. One thread.
 */
final class EarlyStops implements Standstill {
    private static final Logger LOG = LoggerFactory.getLogger(EarlyStops.class);
    /** For the guest to be let run by us. */
    private static final Duration SLACK = Duration.ofSeconds(5);
    /** The guard takes no longer one. */
    private static final Duration LONGEST = Duration.ofMinutes(10);

    private final Standstill guard;
    private final SerialThread thread;
    private final Runnable cut;
    private volatile long stopped;
    private long stops;

    /**
     * @param guard lets the guest run
     * @param cut ends what hangs on the standby
     */
    EarlyStops(Standstill guard, SerialThread thread, Runnable cut) {
        this.guard = guard;
        this.thread = thread;
        this.cut = cut;
    }

    @Override
    public void begins(Duration longest) throws HypervisorException {
        guard.begins(longest.plus(SLACK));
        long mine = ++stops;
        stopped = mine;
        thread.after(longest, () -> {
            if (stopped == mine) {
                LOG.warn("the guest has stood still for {} s for a new standby, which is cut off", longest.toSeconds());
                cut.run();
            }
        });
    }

    /** Sends an epoch. */
    interface Sending {
        EpochEnd send() throws HypervisorException;
    }

    /** An epoch has an end of its own. */
    EpochEnd epoch(EpochLimits limits, Sending sending) throws HypervisorException {
        Duration longest = limits.length()
                .multipliedBy(2)
                .plus(limits.pause())
                .plus(limits.patience().multipliedBy(2))
                .plus(SLACK);
        guard.begins(longest.compareTo(LONGEST) < 0 ? longest : LONGEST);
        try {
            EpochEnd end = sending.send();
            // If the guest ran before it was committed, its disks are not of the moment of its memory.
            over();
            return end;
        } finally {
            end();
        }
    }

    @Override
    public void over() throws HypervisorException {
        stopped = 0;
        guard.over();
    }

    /** The same, after a failure: the standby is lost anyway. */
    void end() {
        try {
            over();
        } catch (HypervisorException e) {
            LOG.info("{}", e.getMessage());
        }
    }
}
