package dev.holdfast.agent.hypervisor.replication;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.ProcessIdentity;
import dev.holdfast.agent.hypervisor.RunningVm;
import java.time.Duration;
import java.util.OptionalLong;

/** A process that follows a primary. One thread at a time, except {@link #beat} and {@link #close}. */
public interface Standby extends StandbyLink, AutoCloseable {
    /** Its process. */
    ProcessIdentity identity();

    /** What its epochs consist of. */
    EpochContent content();

    /** The epoch it would go on from; empty before the first one. */
    OptionalLong committed();

    /**
     * The first half of {@link #commit}: from here on there is no way back, and {@link #commit} is to follow. To be repeated.
     *
     * @throws HypervisorException its memory is not complete, or the disks do not follow; the epoch before still counts
     */
    void prepare(long epoch, Duration patience) throws HypervisorException;

    /**
     * Brings the disks back to the last epoch that was committed. A primary that still sends is not listened to any more.
     * The standby is of no other use then than {@link #failOver}, or to end and to boot from its disks.
     *
     * @param bound how long to wait until the disks are as they were
     */
    void rollBack(Duration bound) throws HypervisorException;

    /**
     * Goes on as the machine itself, from an epoch, as soon as its memory is loaded, or boots if the epoch has none; the
     * disks are brought back to it meanwhile. Only to be called when the primary is known not to run.
     *
     * @param epoch the last one committed
     * @return the machine, running, with its network; the standby is closed
     * @throws HypervisorException REFUSED if that is not the epoch it has, nothing has changed then
     */
    RunningVm failOver(long epoch) throws HypervisorException;

    /** Ends the process and removes what it had beyond its disks, whose content is of no epoch then. */
    void discard() throws HypervisorException;

    /** Gives up the connection. The process stays. */
    @Override
    void close();
}
