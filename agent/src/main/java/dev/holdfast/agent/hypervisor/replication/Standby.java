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

    /** The epoch it would go on from; empty before the first one, and while {@link #committing} is not. */
    OptionalLong committed();

    /** The epoch whose commit an agent before this one has begun: {@link #commit} ends it. */
    OptionalLong committing();

    /** Where the memory of an epoch that was begun goes if it does not come to the socket of {@link #begin}. Any thread. */
    MemoryIntake intake(long epoch) throws HypervisorException;

    /**
     * Looks whether the disks follow: to be called when all that the primary's guest has written has been answered, and it stands
     * still. The memory may still be on its way. Any thread.
     *
     * @throws HypervisorException they do not, or that is not known; the epoch before still counts
     */
    void check(long epoch) throws HypervisorException;

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
     * Becomes the machine itself, at an epoch: disks, and memory if it has any, are brought to it. Only to be called when the primary is known
     * not to run. Can be repeated as long as the process lives.
     *
     * @param epoch the last one committed
     * @return the machine, with its network; it stands still until it is resumed. The standby is closed
     * @throws HypervisorException the guest has not run; REFUSED if that is not the epoch it has, nothing has changed then
     */
    RunningVm failOver(long epoch) throws HypervisorException;

    /** Whether its disks are back at the last committed epoch, for good: the guest could be booted from them. */
    boolean isRolledBack();

    /**
     * Brings the disks back to the last epoch that was committed and ends the process in good order; the disks are durable then.
     * The memory of that epoch stays, if it has any: {@link Replication#atRest}.
     *
     * @param bound how long to wait until the disks are as they were
     * @throws HypervisorException the copy is of no use any more; it is to be discarded
     */
    void rest(Duration bound) throws HypervisorException;

    /** Ends the process and removes what it had beyond its disks, whose content is of no epoch then. */
    void discard() throws HypervisorException;

    /** Gives up the connection. The process stays. */
    @Override
    void close();
}
