package dev.holdfast.coordinator.replication;

import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.replication.ReplicaEffect.ForgetLife;
import dev.holdfast.coordinator.replication.ReplicaEffect.KeepCopy;
import dev.holdfast.coordinator.replication.ReplicaEffect.Seed;

/** A primary that is recorded as the only member of the set. Its guest runs. */
public record Alone(Life lead) implements Leading {

    @Override
    public Step<ReplicaState, ReplicaEffect> onRolledBack(ReplicaEvent.RolledBack event) {
        return Step.to(new Alone(lead.settle()), new KeepCopy(lead.copy()));
    }

    /** The copy is the only one in the set: it stays what it was, and can be promoted again. */
    @Override
    public Step<ReplicaState, ReplicaEffect> onNotRisen(ReplicaEvent.NotRisen event) {
        return lead.settled()
                ? Step.rejected(this, "its guest runs")
                : Step.to(
                        Following.begin(lead.self(), lead.copy(), lead.generation())
                                .at(event.epoch()),
                        new ForgetLife());
    }

    /** Not before its own disks are whole: until then it has nothing that could be copied. */
    @Override
    public Step<ReplicaState, ReplicaEffect> onPeerOffered(ReplicaEvent.PeerOffered event) {
        if (!lead.settled()) {
            return Step.rejected(this, "its own disks are still being rolled back");
        }
        return Step.to(new Seeding(lead, event.peer(), false), new Seed(event.peer(), lead.generation()));
    }
}
