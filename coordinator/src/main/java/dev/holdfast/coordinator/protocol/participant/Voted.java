package dev.holdfast.coordinator.protocol.participant;

import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.protocol.Vote;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.CastVote;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.DecisionRead;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.StoreBack;

/**
 * In doubt: only a decision that was read ends this state. The guests run (checkpoint) or are held (revert). Whoever sent
 * a vote in an earlier life may read a decision that this life's vote does not explain: the first vote counts.
 *
 * @param vote what was last sent to the store
 */
public record Voted(Membership membership, Vote vote) implements ParticipantState {

    /** Sends the vote. */
    static Step<ParticipantState, ParticipantEffect> begin(Membership membership, Vote vote) {
        return Step.to(new Voted(membership, vote), new CastVote(vote));
    }

    @Override
    public Step<ParticipantState, ParticipantEffect> onDecisionRead(DecisionRead event) {
        return Finishing.begin(membership, event.decision());
    }

    @Override
    public Step<ParticipantState, ParticipantEffect> onStoreBack(StoreBack event) {
        return Step.to(this, new CastVote(vote));
    }

    @Override
    public void checkInvariants() {
        // Membership and vote check themselves.
    }
}
