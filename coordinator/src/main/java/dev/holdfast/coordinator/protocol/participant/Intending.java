package dev.holdfast.coordinator.protocol.participant;

import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.Prepare;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.StartTimer;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.Timer;
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

    @Override
    public boolean isBeforeFreeze() {
        return true;
    }

    @Override
    public void checkInvariants() {
        // Membership checks itself.
    }
}
