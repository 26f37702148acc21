package dev.holdfast.coordinator.replication;

import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.replication.ReplicaEffect.DropCopy;
import java.util.Optional;

/**
 * No role: nothing of the machine runs on this node.
 *
 * @param copy what is on its media; empty if nothing
 */
public record Out(Self self, Optional<CopyFacts> copy) implements ReplicaState {

    /** Before the agent has looked. */
    public static Out begin(Self self) {
        return new Out(self, Optional.empty());
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onRecovered(ReplicaEvent.Recovered event) {
        return Recovery.from(self, event.found());
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onSeedBegun(ReplicaEvent.SeedBegun event) {
        Optional<Reason> reason = Reseed.judge(copy, event.generation());
        if (reason.isPresent()) {
            return Step.to(this, new ReplicaEffect.Refuse(reason.get()));
        }
        return Step.to(
                Following.begin(self, event.copy(), event.generation()), new ReplicaEffect.MakeCopy(event.copy()));
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onPromoteAsked(ReplicaEvent.PromoteAsked event) {
        return Candidacy.begin(new Candidacy.Candidate(self, copy, this));
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onDemoteAsked(ReplicaEvent.DemoteAsked event) {
        return Step.to(this, new ReplicaEffect.Done());
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onDiscardAsked(ReplicaEvent.DiscardAsked event) {
        return Step.to(new Out(self, Optional.empty()), new DropCopy(), new ReplicaEffect.Done());
    }
}
