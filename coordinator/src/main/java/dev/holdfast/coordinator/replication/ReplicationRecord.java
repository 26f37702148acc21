package dev.holdfast.coordinator.replication;

import java.util.Collection;
import java.util.Collections;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * What the store knows about a replicated machine. It is written when roles change, never for an epoch. Immutable.
 *
 * @param generation raised by each life of a primary, by a decided revert and by a person's decision; from 1
 * @param primary the copy that runs, or may run; empty once its holder has given it up by itself
 * @param inSync the copies that may be promoted; each has, or is the origin of, everything that was ever released
 */
public record ReplicationRecord(long generation, Optional<Copy> primary, SortedSet<Copy> inSync) {

    /** @throws IllegalArgumentException if the generation is not positive, or the primary is not in the set */
    public ReplicationRecord {
        if (generation < 1) {
            throw new IllegalArgumentException("generations count from 1, not " + generation);
        }
        inSync = Collections.unmodifiableSortedSet(new TreeSet<>(inSync));
        if (primary.isPresent() && !inSync.contains(primary.get())) {
            throw new IllegalArgumentException("the primary " + primary.get() + " is not among " + inSync);
        }
    }

    /** A record in which a copy runs. */
    static ReplicationRecord of(long generation, Copy primary, Copy... others) {
        SortedSet<Copy> inSync = new TreeSet<>(java.util.List.of(others));
        inSync.add(primary);
        return new ReplicationRecord(generation, Optional.of(primary), inSync);
    }

    /** The same generation, in which nobody runs the machine any more and each of these copies may go on. */
    ReplicationRecord givenUp(Collection<Copy> copies) {
        return new ReplicationRecord(generation, Optional.empty(), new TreeSet<>(copies));
    }

    /** Whether this copy is the one that runs, or may run. */
    public boolean isPrimary(Copy copy) {
        return primary.equals(Optional.of(copy));
    }

    /**
     * A record as it was read.
     *
     * @param record what it says
     * @param version what a change has to name; raised by each change
     */
    public record Stored(ReplicationRecord record, int version) {}

    /** What the creation of a record names in place of a version. */
    public static final int NO_VERSION = -1;
}
