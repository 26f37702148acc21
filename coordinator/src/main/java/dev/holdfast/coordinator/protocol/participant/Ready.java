package dev.holdfast.coordinator.protocol.participant;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.Freeze;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.SayReady;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.StartTimer;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.Timer;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.FreezeHeard;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.FrozenHeard;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.StoreBack;
import java.util.Set;

/** Everything is prepared; the only state in which FREEZE is accepted, and so only once. */
public record Ready(Membership membership) implements Unbound {

    @Override
    public String activity() {
        return "waited for others to be ready";
    }

    @Override
    public boolean bounds(Timer timer) {
        return timer == Timer.PREPARE;
    }

    @Override
    public Step<ParticipantState, ParticipantEffect> onFreezeHeard(FreezeHeard event) {
        return freeze(Set.of());
    }

    /** Whoever is frozen heard FREEZE from the leader: it counts as FREEZE. */
    @Override
    public Step<ParticipantState, ParticipantEffect> onFrozenHeard(FrozenHeard event) {
        if (!membership.everyone().contains(event.member())) {
            return Step.rejected(this, event.member() + " is no member");
        }
        return freeze(Set.of(event.member()));
    }

    private Step<ParticipantState, ParticipantEffect> freeze(Set<Name> heard) {
        return Step.to(
                new Freezing(membership, heard),
                new StartTimer(Timer.DEADLINE, membership.spec().options().deadline()),
                new Freeze(membership.spec()));
    }

    @Override
    public Step<ParticipantState, ParticipantEffect> onStoreBack(StoreBack event) {
        return Step.to(this, new SayReady());
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
