package dev.holdfast.coordinator.replication;

import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.replication.ReplicaEffect.Hold;
import dev.holdfast.coordinator.replication.ReplicaEffect.NoteStrayed;
import dev.holdfast.coordinator.replication.ReplicaEffect.ReadRecord;
import dev.holdfast.coordinator.replication.ReplicationRecord.Stored;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A primary whose standby does not answer. Until a write has <em>succeeded</em> that takes the standby out of the set, the guest
 * does no more than it may beside it.
 *
 * @param peer the standby
 * @param epoch the last one that the standby is known to have committed; 0 if the agent has just started
 * @param held the guest stands still
 * @param ink how far the write is
 */
public record Shrinking(Life lead, Copy peer, long epoch, boolean held, Ink ink) implements Leading {

    /** An agent before this one had it. Its connections to the standby went with it: only the record tells whether that may be left. */
    static Step<ReplicaState, ReplicaEffect> found(Life life, Copy peer) {
        return Step.to(new Shrinking(life, peer, 0, false, Ink.READING), new ReadRecord());
    }

    static Step<ReplicaState, ReplicaEffect> begin(Life life, Copy peer, long epoch, boolean held, Ink before) {
        Ink ink = before.forAnother();
        Shrinking next = new Shrinking(life, peer, epoch, held, ink);
        return ink == Ink.WRITING ? Step.to(next, life.write()) : Step.to(next);
    }

    @Override
    public Optional<Copy> member() {
        return Optional.of(peer);
    }

    private Shrinking in(Ink now) {
        return new Shrinking(lead, peer, epoch, held, now);
    }

    private Step<ReplicaState, ReplicaEffect> write(Life life) {
        return Step.to(new Shrinking(life, peer, epoch, held, Ink.WRITING), life.write());
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onRecordWritten(ReplicaEvent.RecordWritten event) {
        Life life = lead.at(event.version());
        if (ink == Ink.EARLIER) {
            return write(life);
        }
        return ink == Ink.WRITING
                ? Step.to(new Alone(life), Leading.freed(life, member()))
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
        return ink == Ink.WRITING || ink == Ink.EARLIER
                ? Step.to(in(Ink.READING), new ReadRecord())
                : Step.rejected(this, "nothing was written");
    }

    /** Whatever it says is written once more: an earlier write that was given up cannot take effect after that. */
    @Override
    public Step<ReplicaState, ReplicaEffect> recorded(Stored stored) {
        return ink == Ink.READING ? write(lead.of(stored)) : Step.rejected(this, "the record was not asked for");
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onLagPassed(ReplicaEvent.LagPassed event) {
        if (event.epoch() < epoch) {
            return Step.rejected(this, "an old bound");
        }
        // Also one that stands still for an epoch, which may have been given up.
        Shrinking still = new Shrinking(lead, peer, epoch, true, ink);
        return still.goesOn() ? still.isolated(new Hold()) : Step.to(still, new Hold());
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onStoreSilent(ReplicaEvent.StoreSilent event) {
        if (ink != Ink.READING) {
            return Step.rejected(this, "nothing was asked");
        }
        Shrinking silent = in(Ink.SILENT);
        return silent.goesOn() ? silent.isolated() : Step.to(silent);
    }

    private boolean goesOn() {
        return held && ink == Ink.SILENT && lead.self().policy().onIsolation() == Policy.OnIsolation.CONTINUE;
    }

    private Step<ReplicaState, ReplicaEffect> isolated(ReplicaEffect... before) {
        List<ReplicaEffect> effects = new ArrayList<>(List.of(before));
        effects.add(new NoteStrayed(true));
        effects.addAll(Leading.freed(lead, member()));
        return Step.to(new Isolated(lead, Ink.SILENT), effects);
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onRetry(ReplicaEvent.Retry event) {
        return ink == Ink.SILENT
                ? Step.to(in(Ink.READING), new ReadRecord())
                : Step.rejected(this, "an answer is awaited");
    }
}
