package dev.holdfast.coordinator.protocol;

import java.time.Duration;

/**
 * What the caller asked of a round. Immutable.
 *
 * @param deadline the longest freeze of a member, counted on each node from arming its guard; 100 ms to 10 min. Too small:
 *     rounds on busy disks are void. Too large: a broken round holds guests still for that long
 * @param prepareTimeout bound for everything before the freeze
 * @param drainTimeout bound from the freeze until every part is durable
 * @param maxPause void the round if a member is frozen for longer than this; zero for no bound but the deadline
 * @param method how memory is captured: {@code auto}, {@code background}, {@code live}, {@code stop} or {@code disk-only}
 * @param quiesce whether guests flush their file systems first: {@code no}, {@code try} or {@code require}
 * @param paused revert only: leave the members paused at the cut instead of running them
 * @param description free text for people, may be empty
 * @param allowDegraded checkpoint only: also of disks on a storage that is not as it should be, but whole on the node of the member
 */
public record RoundOptions(
        Duration deadline,
        Duration prepareTimeout,
        Duration drainTimeout,
        Duration maxPause,
        CaptureMethod method,
        Quiesce quiesce,
        boolean paused,
        String description,
        boolean allowDegraded) {

    private static final Duration SHORTEST_DEADLINE = Duration.ofMillis(100);
    private static final Duration LONGEST_DEADLINE = Duration.ofMinutes(10);
    private static final int LONGEST_DESCRIPTION = 1024;

    /** @throws IllegalArgumentException if a value is out of range; the message is meant for the user */
    public RoundOptions {
        if (deadline.compareTo(SHORTEST_DEADLINE) < 0 || deadline.compareTo(LONGEST_DEADLINE) > 0) {
            throw new IllegalArgumentException(
                    "the deadline must be between 100 ms and 10 min, not " + deadline.toMillis() + " ms");
        }
        if (prepareTimeout.isNegative()
                || prepareTimeout.isZero()
                || drainTimeout.isNegative()
                || drainTimeout.isZero()) {
            throw new IllegalArgumentException("the time-outs of a round must be positive");
        }
        if (maxPause.isNegative()) {
            throw new IllegalArgumentException("the longest pause must not be negative");
        }
        if (description.length() > LONGEST_DESCRIPTION) {
            throw new IllegalArgumentException("the description has %d characters; at most %d are allowed"
                    .formatted(description.length(), LONGEST_DESCRIPTION));
        }
    }

    /** Of disks on a storage that is as it should be. */
    public RoundOptions(
            Duration deadline,
            Duration prepareTimeout,
            Duration drainTimeout,
            Duration maxPause,
            CaptureMethod method,
            Quiesce quiesce,
            boolean paused,
            String description) {
        this(deadline, prepareTimeout, drainTimeout, maxPause, method, quiesce, paused, description, false);
    }

    /** The same, but for the storage of the disks. */
    public RoundOptions withDegraded(boolean allowed) {
        return new RoundOptions(
                deadline, prepareTimeout, drainTimeout, maxPause, method, quiesce, paused, description, allowed);
    }

    /** How a member's memory is captured. */
    public enum CaptureMethod {
        AUTO,
        BACKGROUND,
        LIVE,
        STOP,
        DISK_ONLY
    }

    /** Whether guests flush their file systems before the freeze. */
    public enum Quiesce {
        NO,
        TRY,
        REQUIRE
    }
}
