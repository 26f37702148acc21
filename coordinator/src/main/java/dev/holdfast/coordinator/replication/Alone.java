package dev.holdfast.coordinator.replication;

import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.replication.ReplicaEffect.KeepCopy;
import dev.holdfast.coordinator.replication.ReplicaEffect.Seed;

/** A primary that is recorded as the only member of the set. Its guest runs. */
public record Alone(Life lead) implements Leading {

    @Override
    public Step<ReplicaState, ReplicaEffect> onRolledBack(ReplicaEvent.RolledBack event) {
        return Step.to(new Alone(lead.settle()), new KeepCopy(lead.copy()));
    }

    /** Nothing has run. The record keeps naming this copy, alone: who promotes it next begins another life. */
    @Override
    public Step<ReplicaState, ReplicaEffect> onFailOverFailed(ReplicaEvent.FailOverFailed event) {
        return lead.settled()
                ? Step.rejected(this, "its disks are its own already")
                : Following.resumed(lead, event.epoch());
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
