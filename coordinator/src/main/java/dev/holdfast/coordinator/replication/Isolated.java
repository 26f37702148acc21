package dev.holdfast.coordinator.replication;

import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.replication.ReplicaEffect.NoteStrayed;
import dev.holdfast.coordinator.replication.ReplicaEffect.ReadRecord;
import dev.holdfast.coordinator.replication.ReplicationRecord.Stored;

/**
 * A primary that goes on unrecorded ({@code on_isolation = continue}): the standby that it has lost may be promoted.
 *
 * @param ink how far the write is that records it as alone
 */
public record Isolated(Life lead, Ink ink) implements Leading {

    @Override
    public boolean isStrayed() {
        return true;
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onRetry(ReplicaEvent.Retry event) {
        return ink == Ink.SILENT
                ? Step.to(new Isolated(lead, Ink.READING), new ReadRecord())
                : Step.rejected(this, "an answer is awaited");
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> recorded(Stored stored) {
        Life life = lead.of(stored);
        return ink == Ink.READING
                ? Step.to(new Isolated(life, Ink.WRITING), life.write())
                : Step.rejected(this, "the record was not asked for");
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onStoreSilent(ReplicaEvent.StoreSilent event) {
        return ink == Ink.READING ? Step.to(new Isolated(lead, Ink.SILENT)) : Step.rejected(this, "nothing was asked");
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onRecordWritten(ReplicaEvent.RecordWritten event) {
        return ink == Ink.WRITING
                ? Step.to(new Alone(lead.at(event.version())), new NoteStrayed(false))
                : Step.rejected(this, "nothing was written");
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onRecordRefused(ReplicaEvent.RecordRefused event) {
        return again();
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onRecordUnknown(ReplicaEvent.RecordUnknown event) {
        return again();
    }

    private Step<ReplicaState, ReplicaEffect> again() {
        return ink == Ink.WRITING
                ? Step.to(new Isolated(lead, Ink.READING), new ReadRecord())
                : Step.rejected(this, "nothing was written");
    }
}
