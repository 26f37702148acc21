package dev.holdfast.coordinator.protocol.participant;

import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.Acknowledge;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.DecisionRead;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.StoreBack;

/**
 * What became of the round is true on this node and was acknowledged.
 */
public record Over(Membership membership) implements ParticipantState {

    /** The record is still there, so the acknowledgement may have been lost. */
    @Override
    public Step<ParticipantState, ParticipantEffect> onDecisionRead(DecisionRead event) {
        return Step.to(this, new Acknowledge());
    }

    @Override
    public Step<ParticipantState, ParticipantEffect> onStoreBack(StoreBack event) {
        return Step.to(this, new Acknowledge());
    }

    @Override
    public void checkInvariants() {
        // Membership checks itself.
    }
}
