package dev.holdfast.coordinator.protocol.participant;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.LoadBeside;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.ProveAndThaw;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.Timer;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.Captured;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.FrozenHeard;
import java.util.Set;
import java.util.TreeSet;

/**
 * This node's machines stand still; it waits for its own capture and for the other members. Leaving this state forward
 * means that all members were still at one instant.
 *
 * @param heard the members that stand still, this one among them
 * @param captured the own capture is done, or none is needed
 */
public record Still(Membership membership, Set<Name> heard, boolean captured) implements Unbound {

    @Override
    public String activity() {
        return "waited for others to stand still";
    }

    public Still {
        heard = Set.copyOf(heard);
    }

    @Override
    public boolean bounds(Timer timer) {
        return timer == Timer.DEADLINE;
    }

    @Override
    public Step<ParticipantState, ParticipantEffect> onFrozenHeard(FrozenHeard event) {
        if (!membership.everyone().contains(event.member())) {
            return Step.rejected(this, event.member() + " is no member");
        }
        Set<Name> more = new TreeSet<>(heard);
        more.add(event.member());
        return new Still(membership, more, captured).goOnIfComplete();
    }

    @Override
    public Step<ParticipantState, ParticipantEffect> onCaptured(Captured event) {
        return new Still(membership, heard, true).goOnIfComplete();
    }

    Step<ParticipantState, ParticipantEffect> goOnIfComplete() {
        if (!captured || !heard.containsAll(membership.everyone())) {
            return Step.to(this);
        }
        if (membership.isRevert()) {
            return Step.to(new Loading(membership), new LoadBeside());
        }
        return Step.to(new Thawing(membership), new ProveAndThaw());
    }

    @Override
    public void checkInvariants() {
        if (!heard.contains(membership.self())) {
            throw new IllegalStateException("still, but FROZEN of this node is not counted");
        }
        if (captured && heard.containsAll(membership.everyone())) {
            throw new IllegalStateException("waiting although all members stand still and the capture is done");
        }
    }
}
