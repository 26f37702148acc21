package dev.holdfast.coordinator.protocol.participant;

import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.protocol.Vote;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.Prepare;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.StartTimer;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.Timer;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.DecisionRead;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.EntryUnreadable;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.Journaled;

/** The intent is on its way to the journal. */
public record Intending(Membership membership) implements Unbound {

    @Override
    public String activity() {
        return "was writing its journal";
    }

    @Override
    public Step<ParticipantState, ParticipantEffect> onJournaled(Journaled event) {
        return Step.to(
                new Preparing(membership),
                new StartTimer(Timer.PREPARE, membership.spec().options().prepareTimeout()),
                new Prepare(membership.spec()));
    }

    /** Nothing is undone: an earlier life may have voted DURABLE, and the first vote counts. */
    @Override
    public Step<ParticipantState, ParticipantEffect> onEntryUnreadable(EntryUnreadable event) {
        return Voted.begin(membership, new Vote.No(Refusal.failed(event.because())));
    }

    /** COMMITTED without a vote of this life is by that of an earlier one: what is on the disks is all that is known. */
    @Override
    public Step<ParticipantState, ParticipantEffect> onDecisionRead(DecisionRead event) {
        return event.decision() == Decision.COMMITTED
                ? Finishing.begin(membership, event.decision())
                : Unbound.super.onDecisionRead(event);
    }

    @Override
    public boolean isBeforeFreeze() {
        return true;
    }

    @Override
    public void checkInvariants() {
        // Membership checks itself.
    }
}
