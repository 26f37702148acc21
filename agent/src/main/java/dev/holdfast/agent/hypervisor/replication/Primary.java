package dev.holdfast.agent.hypervisor.replication;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.Progress;
import java.time.Duration;

/**
 * The sending side of a machine that is followed. One thread at a time, except {@link #cut}.
 *
 * <p>While a standby is attached, a write of the guest is done when it is there as well: a standby that does not answer
 * holds the guest's disks, without any sign. Whoever uses this asks {@link StandbyLink#beat} all the time and, when nothing
 * comes and it has been decided that the standby is no longer counted on, calls {@link #cut} and then {@link #detach}.
 */
public interface Primary {
    /**
     * Copies the disks to a standby while the guest runs, then sends each write there too. The guest stands still for some
     * milliseconds at the end of it. If it fails, nothing is attached and the guest runs.
     *
     * @param bytesPerSecond most that the copying may take, 0 for no limit
     * @param stop told of that standstill, whose end it is not told of if it fails
     */
    void attach(StandbyLink standby, long bytesPerSecond, Progress progress, Standstill stop)
            throws HypervisorException;

    /** Whether a standby is attached, in whatever condition. */
    boolean isAttached() throws HypervisorException;

    /** Whether every write since it was attached has reached the standby. */
    boolean isComplete() throws HypervisorException;

    /**
     * Sends one epoch to the standby that is attached. The guest may stand still before; after a commit it runs.
     *
     * @param standby the one that is attached
     * @param epoch its number; greater than the last one committed
     * @throws HypervisorException if nothing is known of the guest: {@link #cut} and {@link #detach} are what is left
     */
    EpochEnd epoch(StandbyLink standby, long epoch, EpochLimits limits) throws HypervisorException;

    /**
     * The same, and the guest stands still afterwards, however it ends: if it was committed, all that it has done is in this epoch.
     */
    EpochEnd lastEpoch(StandbyLink standby, long epoch, EpochLimits limits) throws HypervisorException;

    /** Asks once more for the commit of an epoch whose end was {@link EpochEnd.Outcome#UNDECIDED}. */
    EpochEnd commitAgain(StandbyLink standby, long epoch, EpochLimits limits) throws HypervisorException;

    /**
     * Asks the guest to shut down. When it has done so its process stays and can be sent once more. Epochs go on meanwhile; any
     * thread.
     *
     * @return whether it has, in that time; if not, it may still, and its process ends then
     */
    boolean shutDown(Duration patience) throws HypervisorException;

    /** Makes a guest that has shut down ready to boot, stopped. Does nothing if it has not. */
    void startAnew() throws HypervisorException;

    /**
     * Ends a stream of memory that a capture has not written to its end: for one who is to be sent elsewhere at once. The guest stands
     * still then, and may not be able to run here any more. Does nothing if there is no such stream.
     */
    void endCapture(Duration bound) throws HypervisorException;

    /**
     * Breaks the connections to the standby at once, whatever the process is busy with. Any thread. Writes that hang are done
     * then, here alone. To be called only when the standby is no longer counted on.
     */
    void cut() throws HypervisorException;

    /**
     * Takes the standby off and lets the guest run if an epoch has held it; output that was held is released. To be called only
     * when the standby is no longer counted on.
     *
     * @param bound how long to try
     */
    void detach(Duration bound) throws HypervisorException;
}
