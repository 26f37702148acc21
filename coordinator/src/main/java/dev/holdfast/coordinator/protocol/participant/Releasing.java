package dev.holdfast.coordinator.protocol.participant;

import dev.holdfast.coordinator.protocol.MemberReport;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.protocol.Vote;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.DecisionRead;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.GuardReleased;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.PhaseFailed;

/**
 * Revert: LOADED is in the journal; the deadline is being taken off the held machines, so that from the vote on only the
 * decision lets one side run.
 *
 * @param report what will be voted
 */
public record Releasing(Membership membership, MemberReport report) implements ParticipantState {

    @Override
    public Step<ParticipantState, ParticipantEffect> onGuardReleased(GuardReleased event) {
        if (event.fired()) {
            return Voted.begin(
                    membership,
                    new Vote.No(Refusal.timedOut("the held machines of node " + membership.self()
                            + " were let run before the member could vote; --deadline, or revert_deadline in [checkpoint],"
                            + " allows more time")));
        }
        return Voted.begin(membership, new Vote.Durable(report));
    }

    @Override
    public Step<ParticipantState, ParticipantEffect> onPhaseFailed(PhaseFailed event) {
        return Voted.begin(membership, new Vote.No(event.because()));
    }

    /** Possible after a restart: the vote may have been cast in the life before. */
    @Override
    public Step<ParticipantState, ParticipantEffect> onDecisionRead(DecisionRead event) {
        return Finishing.begin(membership, event.decision());
    }

    @Override
    public void checkInvariants() {
        if (!membership.isRevert()) {
            throw new IllegalStateException("only a revert releases the guard before its vote");
        }
    }
}
