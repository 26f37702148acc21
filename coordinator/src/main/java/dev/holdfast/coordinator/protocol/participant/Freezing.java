package dev.holdfast.coordinator.protocol.participant;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.Capture;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.TellFrozen;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.Timer;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.FrozenHeard;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.VmsFrozen;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * The machines of this node are being stopped.
 *
 * @param heard the other members that stand still already
 */
public record Freezing(Membership membership, Set<Name> heard) implements Unbound {

    @Override
    public String activity() {
        return "was stopping its machines";
    }

    public Freezing {
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
        return Step.to(new Freezing(membership, more));
    }

    @Override
    public Step<ParticipantState, ParticipantEffect> onVmsFrozen(VmsFrozen event) {
        Set<Name> still = new TreeSet<>(heard);
        still.add(membership.self());
        List<ParticipantEffect> effects = new ArrayList<>();
        effects.add(new TellFrozen());
        if (!membership.isRevert()) {
            effects.add(new Capture());
        }
        Step<ParticipantState, ParticipantEffect> next =
                new Still(membership, still, membership.isRevert()).goOnIfComplete();
        effects.addAll(next.effects());
        return Step.to(next.next(), effects);
    }

    @Override
    public void checkInvariants() {
        if (!membership.everyone().containsAll(heard)) {
            throw new IllegalStateException("FROZEN counted from " + heard + ", members are " + membership.everyone());
        }
    }
}
