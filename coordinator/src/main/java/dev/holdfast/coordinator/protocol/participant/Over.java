package dev.holdfast.coordinator.protocol.participant;

import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.Acknowledge;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.DecisionRead;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.StoreBack;

/**
 * The decision is true on this node and was acknowledged.
 *
 * @param decision what was made true
 */
public record Over(Membership membership, Decision decision) implements ParticipantState {

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
