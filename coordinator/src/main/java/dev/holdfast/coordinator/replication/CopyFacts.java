package dev.holdfast.coordinator.replication;

/**
 * What a node finds on its own media about its copy of a machine. Immutable.
 *
 * @param copy which copy it is
 * @param kind what it consists of
 * @param generation of the last life it has led or followed; 0 if it was never part of a replication
 * @param epoch the last one that is committed here; 0 if none is, and on the disks that a primary has left
 * @param strayed it has run on without being recorded as alone ({@code on_isolation = continue}): others may have gone on from
 *     an earlier state, and only a person can say which one counts
 */
public record CopyFacts(Copy copy, Kind kind, long generation, long epoch, boolean strayed) {

    /** What a copy consists of. */
    public enum Kind {
        /**
         * Disks alone, on lasting storage: what a primary leaves behind, or a standby that was stopped and has lost its memory
         * since. The guest boots from them.
         */
        DISKS,
        /** The disks and the memory of a committed epoch, the memory on a volatile medium: the guest goes on from there. */
        STANDBY,
        /**
         * The same of a standby that was stopped: no process, the disks are at the epoch, on lasting storage, and the memory of
         * it is still on the volatile medium.
         */
        RESTING
    }

    /** @throws IllegalArgumentException if a number is negative */
    public CopyFacts {
        if (generation < 0 || epoch < 0) {
            throw new IllegalArgumentException("generation and epoch are never negative: " + generation + ", " + epoch);
        }
    }

    /** Disks that a primary of this generation has left behind. */
    static CopyFacts disks(Copy copy, long generation, boolean strayed) {
        return new CopyFacts(copy, Kind.DISKS, generation, 0, strayed);
    }

    /** A standby's copy. */
    static CopyFacts standby(Copy copy, long generation, long epoch) {
        return new CopyFacts(copy, Kind.STANDBY, generation, epoch, false);
    }

    /** The copy of a standby that was stopped. */
    public static CopyFacts resting(Copy copy, long generation, long epoch) {
        return new CopyFacts(copy, Kind.RESTING, generation, epoch, false);
    }

    /** The same without its memory. */
    CopyFacts disksAlone() {
        return new CopyFacts(copy, Kind.DISKS, generation, epoch, strayed);
    }

    /** Whether it was a standby's that was stopped, and has not led a life since. */
    boolean isOfStopped() {
        return kind == Kind.RESTING || kind == Kind.DISKS && epoch > 0;
    }
}
