package dev.holdfast.coordinator.replication;

import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.replication.Parting.Why;
import dev.holdfast.coordinator.replication.ReplicaEffect.Detach;
import dev.holdfast.coordinator.replication.ReplicaEffect.Done;
import dev.holdfast.coordinator.replication.ReplicaEffect.KillGuest;
import dev.holdfast.coordinator.replication.ReplicaEffect.NoteLeaving;
import dev.holdfast.coordinator.replication.ReplicaEffect.ReadRecord;
import dev.holdfast.coordinator.replication.ReplicaEffect.Refuse;
import dev.holdfast.coordinator.replication.ReplicaEffect.SendEpoch;
import dev.holdfast.coordinator.replication.ReplicaEffect.VoidPeer;
import dev.holdfast.coordinator.replication.ReplicationRecord.Stored;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A primary that gives the machine up. Its guest runs no longer than its last epoch goes over; nothing lets it run again but a new life. Once the record says
 * that nobody runs it, it needs no fencing to be promoted elsewhere.
 *
 * @param peer the standby that stays in the set
 * @param ink how far the write is
 * @param parting why it leaves, and what of its guest is left
 */
public record Leaving(Life lead, Optional<Copy> peer, Ink ink, Parting parting) implements ReplicaState {

    static Step<ReplicaState, ReplicaEffect> handOver(
            Life life, Copy peer, long epoch, boolean sending, boolean canReturn) {
        Why why = canReturn ? Why.SWITCHOVER : Why.DEMOTED;
        Leaving next = new Leaving(life, Optional.of(peer), Ink.WRITTEN, Parting.sending(why, epoch, !sending));
        return sending ? Step.to(next) : Step.to(next, new SendEpoch(peer, epoch + 1));
    }

    static Step<ReplicaState, ReplicaEffect> demote(Life life, Optional<Copy> peer, Ink before, boolean strayed) {
        Step<ReplicaState, ReplicaEffect> begun = begin(life, peer, Why.DEMOTED, before, true, strayed);
        List<ReplicaEffect> effects = new ArrayList<>(List.of(new KillGuest()));
        effects.addAll(begun.effects());
        return Step.to(begun.next(), effects);
    }

    /** Whoever has run on unrecorded leaves no standby that could go on. */
    static Step<ReplicaState, ReplicaEffect> begin(
            Life life, Optional<Copy> peer, Why why, Ink before, boolean guest, boolean strayed) {
        Optional<Copy> stays = strayed || why == Why.STOPPED ? Optional.empty() : peer;
        Leaving next = new Leaving(life, stays, before.forAnother(), Parting.of(why, guest, strayed));
        List<ReplicaEffect> effects = new ArrayList<>();
        effects.add(new NoteLeaving(stays));
        if (stays.isEmpty()) {
            peer.ifPresent(copy -> effects.add(new VoidPeer(copy)));
        }
        if (next.ink == Ink.WRITING) {
            effects.add(next.record(life));
        }
        return Step.to(next, effects);
    }

    private ReplicaEffect record(Life life) {
        return life.giveUp(peer.map(Set::of).orElse(Set.of()));
    }

    private Leaving in(Ink now) {
        return new Leaving(lead, peer, now, parting);
    }

    private Leaving with(Parting now) {
        return new Leaving(lead, peer, ink, now);
    }

    /** The epoch that its standby, or its copy here, is at; 0 if that does not matter any more. */
    public long epoch() {
        return parting.epoch();
    }

    @Override
    public Optional<Life> life() {
        return Optional.of(lead);
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onStandbyAt(ReplicaEvent.StandbyAt event) {
        if (!parting.isSending() || !peer.equals(Optional.of(event.peer()))) {
            return Step.rejected(this, "nothing is on its way");
        }
        if (event.epoch() == parting.epoch() || event.epoch() == parting.epoch() + 1 && !parting.last()) {
            return Step.to(with(parting.withLastAfter(event.epoch())), new SendEpoch(event.peer(), event.epoch() + 1));
        }
        return event.epoch() == parting.epoch() + 1
                ? begin(lead, peer, parting.why(), Ink.WRITTEN, true, parting.strayed())
                : Step.rejected(this, "an old answer");
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onStandbyLost(ReplicaEvent.StandbyLost event) {
        if (!parting.isSending() || !peer.equals(Optional.of(event.peer()))) {
            return Step.rejected(this, "it is not needed any more");
        }
        if (parting.why() == Why.DEMOTED) {
            return demote(lead, peer, ink, parting.strayed());
        }
        Step<ReplicaState, ReplicaEffect> shrinking = Shrinking.begin(lead, event.peer(), parting.epoch(), true, ink);
        List<ReplicaEffect> effects = new ArrayList<>(List.of(new Refuse(Reason.PEER_LOST)));
        effects.addAll(shrinking.effects());
        return Step.to(shrinking.next(), effects);
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onRecordWritten(ReplicaEvent.RecordWritten event) {
        if (ink == Ink.EARLIER) {
            return write(lead.at(event.version()));
        }
        return ink == Ink.WRITING ? left() : Step.rejected(this, "nothing was written");
    }

    private Step<ReplicaState, ReplicaEffect> write(Life life) {
        return Step.to(new Leaving(life, peer, Ink.WRITING, parting.sent()), record(life));
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

    /** As long as the record says that this copy runs, it is written again; otherwise it is given up, or another's. */
    @Override
    public Step<ReplicaState, ReplicaEffect> onRecordRead(ReplicaEvent.RecordRead event) {
        if (ink != Ink.READING) {
            return Step.rejected(this, "the record was not asked for");
        }
        Stored stored = event.stored();
        if (!lead.isRecorded(stored)) {
            return left();
        }
        Optional<Copy> stays = lead.isReborn(stored) ? Optional.empty() : peer;
        Life life = lead.of(stored);
        Leaving next = new Leaving(life, stays, Ink.WRITING, parting.sent());
        return Step.to(next, next.record(life));
    }

    /** Pacemaker must not wait for the store: the guest ends, and the record is written when it can be. */
    @Override
    public Step<ReplicaState, ReplicaEffect> onStoreSilent(ReplicaEvent.StoreSilent event) {
        if (ink != Ink.READING) {
            return Step.rejected(this, "nothing was asked");
        }
        Why why = parting.why();
        if (parting.guest() && why == Why.DEMOTED) {
            return Step.to(in(Ink.SILENT).with(parting.withoutGuest()), new KillGuest(), new Done());
        }
        return why == Why.STOPPED || why == Why.UNSTARTED
                ? Step.to(in(Ink.SILENT), new Done())
                : Step.to(in(Ink.SILENT));
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onRetry(ReplicaEvent.Retry event) {
        return ink == Ink.SILENT
                ? Step.to(in(Ink.READING), new ReadRecord())
                : Step.rejected(this, "an answer is awaited");
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onDemoteAsked(ReplicaEvent.DemoteAsked event) {
        if (!parting.guest()) {
            return Step.to(this, new Done());
        }
        Parting demoted = parting.because(Why.DEMOTED);
        return parting.isSending()
                ? Step.to(with(demoted))
                : Step.to(with(demoted.withoutGuest()), new KillGuest(), new Done());
    }

    /** Its guest is gone here, while the last epoch was on its way: as in any crash. */
    @Override
    public Step<ReplicaState, ReplicaEffect> onGuestEnded(ReplicaEvent.GuestEnded event) {
        return parting.isSending()
                ? begin(lead, peer, event.asked() ? Why.STOPPED : Why.CRASHED, ink, false, parting.strayed())
                : Step.to(with(parting.withoutGuest()));
    }

    /** It was given up while the guest was on its way. What comes to nothing leaves the copy as it was. */
    @Override
    public Step<ReplicaState, ReplicaEffect> onFailOverFailed(ReplicaEvent.FailOverFailed event) {
        return lead.settled()
                ? Step.rejected(this, "its disks are its own already")
                : Step.to(with(parting.unstarted(event.epoch())));
    }

    /** It has run, and its disks were its own before it ended. */
    @Override
    public Step<ReplicaState, ReplicaEffect> onRolledBack(ReplicaEvent.RolledBack event) {
        if (lead.settled() || parting.why() == Why.UNSTARTED) {
            return Step.rejected(this, "there is nothing to settle");
        }
        return Step.to(new Leaving(lead.settle(), peer, ink, parting), new ReplicaEffect.KeepCopy(lead.copy()));
    }

    /** The record was not told yet, and the same node shall begin anew: from its disks. */
    @Override
    public Step<ReplicaState, ReplicaEffect> onPromoteAsked(ReplicaEvent.PromoteAsked event) {
        if (parting.guest() || ink != Ink.SILENT) {
            return Step.to(this, new Refuse(Reason.BUSY));
        }
        return Candidacy.begin(new Candidacy.Candidate(lead.self(), facts(), this));
    }

    private Optional<CopyFacts> facts() {
        if (parting.why() == Why.UNSTARTED) {
            return Optional.of(CopyFacts.standby(lead.copy(), lead.generation(), parting.epoch()));
        }
        return lead.settled()
                ? Optional.of(CopyFacts.disks(lead.copy(), lead.generation(), parting.strayed()))
                : Optional.empty();
    }

    private Step<ReplicaState, ReplicaEffect> left() {
        List<ReplicaEffect> effects = new ArrayList<>();
        if (parting.guest()) {
            effects.add(new KillGuest());
        }
        peer.ifPresent(copy -> effects.add(new Detach(copy)));
        Step<ReplicaState, ReplicaEffect> out = parting.why() == Why.UNSTARTED
                ? Following.resumed(lead, parting.epoch())
                : Leading.leftBehind(lead, parting.strayed(), effects);
        List<ReplicaEffect> all = new ArrayList<>(out.effects());
        all.add(new Done());
        return Step.to(out.next(), all);
    }
}
