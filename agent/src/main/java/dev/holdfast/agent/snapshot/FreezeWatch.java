package dev.holdfast.agent.snapshot;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundOptions.Quiesce;
import java.time.Duration;

/** Somebody else lets a machine run again when we do not: the guard. For operations that are not part of a round. */
public interface FreezeWatch {
    /**
     * Watches over a freeze that is about to begin. When this returns it is certain that the machine will run again after
     * the deadline, whatever becomes of us.
     *
     * @throws SnapshotException if nobody watches: then nothing may be frozen
     */
    void arm(Name vm, String operation, Duration deadline) throws SnapshotException;

    /**
     * Has the guest flush its file systems and hold them still; only while armed, and undone by {@link #disarm} and at the
     * deadline.
     *
     * @return what came of it: {@code no}, {@code done}, {@code failed: why}
     * @throws SnapshotException if it is required and was not possible
     */
    String quiesce(Name vm, String operation, Quiesce wish) throws SnapshotException;

    /**
     * A machine came back from a capture whose file systems were held still, and so they are inside it. Lets the guest use
     * them if it runs, or notes it for whoever lets it run. Never throws; reports to the log.
     *
     * @param runs whether it runs
     */
    void restored(Name vm, String operation, boolean runs);

    /** The freeze is over, file systems may be written again. Never throws; reports to the log. */
    void disarm(Name vm, String operation);
}
