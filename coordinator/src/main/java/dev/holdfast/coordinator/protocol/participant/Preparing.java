package dev.holdfast.coordinator.protocol.participant;

import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.SayReady;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.Timer;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.Prepared;

/** Files are being made and checks run; the guests have not been touched. */
public record Preparing(Membership membership) implements Unbound {

    @Override
    public String activity() {
        return "was preparing";
    }

    @Override
    public boolean bounds(Timer timer) {
        return timer == Timer.PREPARE;
    }

    @Override
    public Step<ParticipantState, ParticipantEffect> onPrepared(Prepared event) {
        return Step.to(new Ready(membership), new SayReady());
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
