package dev.holdfast.coordinator.protocol.participant;

import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.CarryOut;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.StartTimer;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.Timer;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.CarriedOut;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.PhaseFailed;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.TimerPassed;
import java.time.Duration;
import java.util.Optional;

/**
 * The decision was read and is being made true on this node.
 *
 * @param decision what the record says
 */
public record Finishing(Membership membership, Decision decision) implements ParticipantState {

    /** How long to wait before carrying out is tried again. */
    static final Duration RETRY_AFTER = Duration.ofSeconds(2);

    static Step<ParticipantState, ParticipantEffect> begin(Membership membership, Decision decision) {
        return Step.to(new Finishing(membership, decision), new CarryOut(membership.spec(), decision));
    }

    @Override
    public Step<ParticipantState, ParticipantEffect> onCarriedOut(CarriedOut event) {
        return Closing.begin(membership);
    }

    @Override
    public Step<ParticipantState, ParticipantEffect> onPhaseFailed(PhaseFailed event) {
        return Step.to(this, new StartTimer(Timer.RETRY, RETRY_AFTER));
    }

    @Override
    public Step<ParticipantState, ParticipantEffect> onTimerPassed(TimerPassed event) {
        if (event.timer() != Timer.RETRY) {
            return Step.rejected(this, event + " is late in Finishing");
        }
        return begin(membership, decision);
    }

    @Override
    public Optional<Decision> makesTrue() {
        return Optional.of(decision);
    }

    @Override
    public void checkInvariants() {
        // Membership checks itself.
    }
}
