package dev.holdfast.coordinator.protocol.participant;

import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.JournalEntry;
import dev.holdfast.coordinator.protocol.MemberReport;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.protocol.Vote;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.CarryOut;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.CastVote;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.ReleaseGuard;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.TellVoid;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.ThawNow;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.WriteJournal;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.DecisionRead;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.Recovered;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.RoundOpened;

/**
 * Nothing known of the round yet.
 *
 * @param self this node
 */
public record Idle(Name self) implements ParticipantState {

    @Override
    public Step<ParticipantState, ParticipantEffect> onRoundOpened(RoundOpened event) {
        if (!event.spec().members().nodes().contains(self)) {
            return Step.rejected(
                    this,
                    "node " + self + " is no member of round " + event.spec().id());
        }
        return Step.to(
                new Intending(new Membership(self, event.spec())), new WriteJournal(JournalEntry.intent(event.spec())));
    }

    @Override
    public Step<ParticipantState, ParticipantEffect> onRecovered(Recovered event) {
        Membership membership = new Membership(self, event.entry().spec());
        return event.entry()
                .report()
                .map(report -> recoverBound(membership, report))
                .orElseGet(() -> recoverUnbound(membership));
    }

    private static Step<ParticipantState, ParticipantEffect> recoverBound(Membership membership, MemberReport report) {
        if (membership.isRevert()) {
            // The guard may have let the held machine run when the agent died: look before voting.
            return Step.to(new Releasing(membership, report), new ReleaseGuard(membership.spec()));
        }
        return Voted.begin(membership, new Vote.Durable(report));
    }

    private static Step<ParticipantState, ParticipantEffect> recoverUnbound(Membership membership) {
        Refusal because = Refusal.failed("the agent of node " + membership.self() + " restarted during the round");
        return Step.to(
                new GivenUp(membership, because, false, false),
                new ThawNow(),
                new TellVoid(because),
                new CastVote(new Vote.No(because)),
                new CarryOut(membership.spec(), Decision.ABORTED));
    }

    /**
     * No journal entry, but the record still waits for this node: the acknowledgement was lost, or the journal, or it never took
     * part. Which of them it was shows only what is on the disks, so the decision is made true first: a part that is there
     * would else stay unpublished, or a part of an aborted round would stay for ever.
     */
    @Override
    public Step<ParticipantState, ParticipantEffect> onDecisionRead(DecisionRead event) {
        if (!event.spec().members().nodes().contains(self)) {
            return Step.rejected(
                    this,
                    "node " + self + " is no member of round " + event.spec().id());
        }
        return Finishing.begin(new Membership(self, event.spec()), event.decision());
    }

    @Override
    public void checkInvariants() {
        // A node's name is all there is.
    }
}
