package dev.holdfast.coordinator.protocol.participant;

import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.protocol.ThawFacts;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.Drain;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.Timer;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.ThawAnswered;

/** All members stand still; stillness is being proven in the same breath as the machines are told to run. */
public record Thawing(Membership membership) implements Unbound {

    @Override
    public String activity() {
        return "was letting its machines run";
    }

    @Override
    public boolean bounds(Timer timer) {
        return timer == Timer.DEADLINE;
    }

    @Override
    public Step<ParticipantState, ParticipantEffect> onThawAnswered(ThawAnswered event) {
        if (event.facts().proveStillness(membership.leaseNanos())) {
            return Step.to(new Draining(membership), new Drain());
        }
        return giveUp(unproven(event.facts()), true);
    }

    private Refusal unproven(ThawFacts facts) {
        long lease = membership.leaseNanos();
        if (facts.heldForNanos() >= lease) {
            return Refusal.timedOut(
                    "the machines of node %s stood still for %.1f ms; %.1f ms were allowed (the deadline or --max-pause)"
                            .formatted(membership.self(), facts.heldForNanos() / 1e6, lease / 1e6));
        }
        String why = !facts.sameInstance()
                ? "one of them, or the connection to it, is not the one that was stopped"
                : "somebody or the guard let one of them run meanwhile";
        return Refusal.failed(
                "node %s cannot prove that its machines stood still: %s".formatted(membership.self(), why));
    }

    @Override
    public void checkInvariants() {
        if (membership.isRevert()) {
            throw new IllegalStateException("a revert never thaws before its decision");
        }
    }
}
