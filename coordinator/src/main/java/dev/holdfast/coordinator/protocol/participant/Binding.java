package dev.holdfast.coordinator.protocol.participant;

import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.MemberReport;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.protocol.Vote;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.ReleaseGuard;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.DecisionRead;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.JournalFailed;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.Journaled;

/**
 * VOTED is on its way to the journal and may be there already: from here on the member never gives up alone, because
 * after a crash it would find VOTED and vote DURABLE.
 *
 * @param report what will be voted
 */
public record Binding(Membership membership, MemberReport report) implements ParticipantState {

    @Override
    public Step<ParticipantState, ParticipantEffect> onJournaled(Journaled event) {
        if (membership.isRevert()) {
            return Step.to(new Releasing(membership, report), new ReleaseGuard(membership.spec()));
        }
        return Voted.begin(membership, new Vote.Durable(report));
    }

    /** Nothing is undone: after a crash the journal may say VOTED, and then the parts must be there. */
    @Override
    public Step<ParticipantState, ParticipantEffect> onJournalFailed(JournalFailed event) {
        return Voted.begin(membership, new Vote.No(Refusal.failed(event.because())));
    }

    @Override
    public Step<ParticipantState, ParticipantEffect> onDecisionRead(DecisionRead event) {
        if (event.decision() == Decision.COMMITTED) {
            throw new IllegalStateException(
                    "round " + membership.spec().id() + " is committed, but this member has not voted");
        }
        return Finishing.begin(membership, Decision.ABORTED);
    }

    @Override
    public void checkInvariants() {
        if (!report.node().equals(membership.self())) {
            throw new IllegalStateException("the report is of node " + report.node());
        }
    }
}
