package dev.holdfast.coordinator.replication;

import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.replication.ReplicaEffect.Detach;
import dev.holdfast.coordinator.replication.ReplicaEffect.DisarmLag;
import dev.holdfast.coordinator.replication.ReplicaEffect.DropCopy;
import dev.holdfast.coordinator.replication.ReplicaEffect.ForgetLife;
import dev.holdfast.coordinator.replication.ReplicaEffect.FreeOutput;
import dev.holdfast.coordinator.replication.ReplicaEffect.KillGuest;
import dev.holdfast.coordinator.replication.ReplicaEffect.NoteLife;
import dev.holdfast.coordinator.replication.ReplicaEffect.RunOn;
import dev.holdfast.coordinator.replication.ReplicationRecord.Stored;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A primary: this node has begun a life, and has not given it up. */
public sealed interface Leading extends ReplicaState permits Alone, Seeding, Protected, Shrinking, Isolated {

    /** The life that was begun. */
    Life lead();

    /** The standby that may be in the set. */
    default Optional<Copy> member() {
        return Optional.empty();
    }

    /** The standby that is attached. */
    default Optional<Copy> attached() {
        return member();
    }

    /** How far the wish to change the record has come. */
    default Ink ink() {
        return Ink.WRITTEN;
    }

    /** Whether it goes on unrecorded. */
    default boolean isStrayed() {
        return false;
    }

    @Override
    default Optional<Life> life() {
        return Optional.of(lead());
    }

    @Override
    default Step<ReplicaState, ReplicaEffect> onRecordRead(ReplicaEvent.RecordRead event) {
        Stored stored = event.stored();
        if (!lead().isRecorded(stored)) {
            return deposed();
        }
        return lead().isReborn(stored) ? reborn(stored) : recorded(stored);
    }

    /** The record names this life. */
    default Step<ReplicaState, ReplicaEffect> recorded(Stored stored) {
        return Step.rejected(this, "the record was not asked for");
    }

    @Override
    default Step<ReplicaState, ReplicaEffect> onReverted(ReplicaEvent.Reverted event) {
        return lead().isReborn(event.stored()) ? reborn(event.stored()) : Step.rejected(this, "no revert of this life");
    }

    /** A crash leaves a standby that may go on; a stop by somebody's wish leaves none, or the guest would rise again. */
    @Override
    default Step<ReplicaState, ReplicaEffect> onGuestEnded(ReplicaEvent.GuestEnded event) {
        return event.asked()
                ? Leaving.begin(lead(), attached(), Parting.Why.STOPPED, ink(), false, isStrayed())
                : Leaving.begin(lead(), member(), Parting.Why.CRASHED, ink(), false, isStrayed());
    }

    @Override
    default Step<ReplicaState, ReplicaEffect> onDemoteAsked(ReplicaEvent.DemoteAsked event) {
        return Leaving.demote(lead(), member(), ink(), isStrayed());
    }

    @Override
    default Step<ReplicaState, ReplicaEffect> onSwitchoverAsked(ReplicaEvent.SwitchoverAsked event) {
        return Step.to(this, new ReplicaEffect.Refuse(Reason.BUSY));
    }

    /** The life of another copy has begun: whatever this one still has is in the past. */
    private Step<ReplicaState, ReplicaEffect> deposed() {
        List<ReplicaEffect> effects = new ArrayList<>();
        effects.add(new KillGuest());
        attached().ifPresent(peer -> effects.add(new Detach(peer)));
        return leftBehind(lead(), isStrayed(), effects);
    }

    /** What remains of a life: disks, if they are whole. */
    static Step<ReplicaState, ReplicaEffect> leftBehind(Life life, boolean strayed, List<ReplicaEffect> effects) {
        if (life.settled()) {
            effects.add(new ForgetLife());
            CopyFacts facts = CopyFacts.disks(life.copy(), life.generation(), strayed);
            return Step.to(new Out(life.self(), Optional.of(facts)), effects);
        }
        effects.add(new DropCopy());
        effects.add(new ForgetLife());
        return Step.to(new Out(life.self(), Optional.empty()), effects);
    }

    private Step<ReplicaState, ReplicaEffect> reborn(Stored stored) {
        List<ReplicaEffect> effects = freed(lead().of(stored), attached());
        if (isStrayed()) {
            effects.add(0, new ReplicaEffect.NoteStrayed(false));
        }
        return Step.to(new Alone(lead().of(stored)), effects);
    }

    /** Nobody else counts from now on: first the note, then nothing holds the guest any more. */
    static List<ReplicaEffect> freed(Life life, Optional<Copy> attached) {
        List<ReplicaEffect> effects = new ArrayList<>();
        effects.add(new NoteLife(life.generation(), Optional.empty()));
        attached.ifPresent(peer -> effects.add(new Detach(peer)));
        effects.add(new DisarmLag());
        effects.add(new FreeOutput());
        effects.add(new RunOn());
        return effects;
    }
}
