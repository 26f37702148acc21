package dev.holdfast.coordinator.protocol.participant;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.Timer;
import java.time.Duration;
import java.util.SortedSet;

/**
 * This node's place in a round; the same from the first state to the last. Immutable.
 *
 * @param self this node
 * @param spec the round
 */
public record Membership(Name self, RoundSpec spec) {

    /** @throws IllegalArgumentException if the node is no member of the round */
    public Membership {
        if (!spec.members().nodes().contains(self)) {
            throw new IllegalArgumentException("node " + self + " is no member of round " + spec.id());
        }
    }

    /** Whether the members are held until the decision instead of being thawed before it. */
    boolean isRevert() {
        return spec.kind() == RoundKind.REVERT;
    }

    /** The nodes that must all stand still. */
    SortedSet<Name> everyone() {
        return spec.members().nodes();
    }

    /** The bound that a timer stands for, in words. */
    String bound(Timer timer) {
        return switch (timer) {
            case PREPARE ->
                "the time for the preparation (%d ms)"
                        .formatted(spec.options().prepareTimeout().toMillis());
            case DEADLINE ->
                "the deadline of the freeze (%d ms)"
                        .formatted(spec.options().deadline().toMillis());
            case RETRY -> throw new IllegalArgumentException("a retry bounds nothing");
        };
    }

    /** How long the freeze may last for the round to count. */
    long leaseNanos() {
        Duration maxPause = spec.options().maxPause();
        Duration deadline = spec.options().deadline();
        boolean shorter = !maxPause.isZero() && maxPause.compareTo(deadline) < 0;
        return (shorter ? maxPause : deadline).toNanos();
    }
}
