package dev.holdfast.coordinator.protocol.participant;

import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.Drain;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.Timer;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.ThawAnswered;

/** All members stand still; stillness is being proven in the same breath as the machines are told to run. */
public record Thawing(Membership membership) implements Unbound {

    @Override
    public boolean bounds(Timer timer) {
        return timer == Timer.DEADLINE;
    }

    @Override
    public Step<ParticipantState, ParticipantEffect> onThawAnswered(ThawAnswered event) {
        if (event.facts().proveStillness(membership.leaseNanos())) {
            return Step.to(new Draining(membership), new Drain());
        }
        return giveUp(
                Refusal.failed("node %s cannot prove that its machines stood still: %s; the lease was %d ms"
                        .formatted(membership.self(), event.facts(), membership.leaseNanos() / 1_000_000)),
                true);
    }

    @Override
    public void checkInvariants() {
        if (membership.isRevert()) {
            throw new IllegalStateException("a revert never thaws before its decision");
        }
    }
}
