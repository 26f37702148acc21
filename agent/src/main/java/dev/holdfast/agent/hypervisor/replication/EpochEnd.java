package dev.holdfast.agent.hypervisor.replication;

import java.time.Duration;

/**
 * How an epoch has ended.
 *
 * @param epoch its number
 * @param outcome what may be concluded
 * @param why why it is not committed; empty if it is
 * @param pause how long the guest stood still; zero if it still does, or never did
 * @param length from its begin to the guest running again
 * @param bytes of memory that went over; if it consists of disks alone, that the guest has written since the epoch before
 */
public record EpochEnd(long epoch, Outcome outcome, String why, Duration pause, Duration length, long bytes) {
    /** What may be concluded. */
    public enum Outcome {
        /** The standby would go on from it. The guest runs. */
        COMMITTED,
        /** The standby would go on from the one before. The guest runs. */
        ABORTED,
        /**
         * The standby has been told to commit it and has not answered. The guest stands still and must not run before the
         * answer is there or the standby is taken off.
         */
        UNDECIDED
    }
}
