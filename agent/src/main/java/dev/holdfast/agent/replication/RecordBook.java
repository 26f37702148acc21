package dev.holdfast.agent.replication;

import dev.holdfast.coordinator.replication.ReplicaEvent;
import dev.holdfast.coordinator.replication.ReplicationRecord;
import dev.holdfast.coordinator.replication.ReplicationRecord.Stored;
import java.util.Optional;
import java.util.function.Consumer;

/** The record of one machine in the store. Each request brings one answer, from any thread. Thread-safe. */
public interface RecordBook {

    /** Brings RecordRead, RecordAbsent or StoreSilent. */
    void read(Consumer<ReplicaEvent> answer);

    /** Brings RecordWritten, RecordRefused or RecordUnknown. */
    void write(int version, ReplicationRecord next, Consumer<ReplicaEvent> answer);

    /** What the store has last said, to whomever; no base for a decision. */
    Optional<Stored> last();

    /** Whether the store has ever answered that there is no record, and not otherwise since. */
    boolean isAbsent();
}
