package dev.holdfast.coordinator.replication;

import dev.holdfast.coordinator.replication.ReplicationRecord.Stored;
import java.util.Set;
import java.util.TreeSet;

/**
 * One life of a primary, from the write that began it. Immutable.
 *
 * @param self this node
 * @param copy what it runs from
 * @param generation its number
 * @param version of the record as far as it knows; {@link ReplicationRecord#NO_VERSION} after a restart of the agent: the next
 *     write is refused then, and the record read
 * @param settled whether its disks are on lasting storage alone: not while a promoted standby still rolls back
 */
public record Life(Self self, Copy copy, long generation, int version, boolean settled) {

    Life at(int newVersion) {
        return new Life(self, copy, generation, newVersion, settled);
    }

    Life of(Stored stored) {
        return new Life(self, copy, stored.record().generation(), stored.version(), settled);
    }

    Life settle() {
        return new Life(self, copy, generation, version, true);
    }

    /** Whether the record says that this copy is the one that runs. */
    boolean isRecorded(Stored stored) {
        return stored.record().isPrimary(copy) && stored.record().generation() >= generation;
    }

    /** Whether a later life of this copy was begun for it: a revert was decided. A standby of before is none of its copies. */
    boolean isReborn(Stored stored) {
        return isRecorded(stored) && stored.record().generation() > generation;
    }

    ReplicaEffect write(Copy... others) {
        return new ReplicaEffect.WriteRecord(version, ReplicationRecord.of(generation, copy, others));
    }

    ReplicaEffect giveUp(Set<Copy> others) {
        Set<Copy> copies = new TreeSet<>(others);
        copies.add(copy);
        return new ReplicaEffect.WriteRecord(
                version, ReplicationRecord.of(generation, copy).givenUp(copies));
    }
}
