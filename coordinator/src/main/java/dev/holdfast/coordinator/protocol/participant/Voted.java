package dev.holdfast.coordinator.protocol.participant;

import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.protocol.Vote;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.CastVote;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.Forget;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.DecisionRead;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.NothingWaits;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.RecordGone;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.StoreBack;

/**
 * In doubt: only a decision that was read ends this state, or, if the record is gone, what is left in its place. The guests run (checkpoint) or are held (revert). Whoever sent
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

    /**
     * The record goes when all members have acknowledged, each after its journal entry was gone. So somebody has put this entry back,
     * or has taken the record away. The catalogue proves a commitment; that it has no such checkpoint proves nothing, because
     * checkpoints are deleted, and reverts are not in it. Then the disks are asked whether anything waits for the decision.
     */
    @Override
    public Step<ParticipantState, ParticipantEffect> onRecordGone(RecordGone event) {
        return event.committed()
                ? Finishing.begin(membership, Decision.COMMITTED)
                : Step.to(this, new Forget(membership.spec()));
    }

    @Override
    public Step<ParticipantState, ParticipantEffect> onNothingWaits(NothingWaits event) {
        return Closing.begin(membership);
    }

    @Override
    public Step<ParticipantState, ParticipantEffect> onStoreBack(StoreBack event) {
        return Step.to(this, new CastVote(vote));
    }

    @Override
    public boolean waitsForTheEnd() {
        return true;
    }

    @Override
    public void checkInvariants() {
        // Membership and vote check themselves.
    }
}
