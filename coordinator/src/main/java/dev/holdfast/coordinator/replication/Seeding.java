package dev.holdfast.coordinator.replication;

import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.replication.ReplicaEffect.ArmLag;
import dev.holdfast.coordinator.replication.ReplicaEffect.Detach;
import dev.holdfast.coordinator.replication.ReplicaEffect.DisarmLag;
import dev.holdfast.coordinator.replication.ReplicaEffect.FreeOutput;
import dev.holdfast.coordinator.replication.ReplicaEffect.NoteLife;
import dev.holdfast.coordinator.replication.ReplicaEffect.RunOn;
import dev.holdfast.coordinator.replication.ReplicaEffect.SendEpoch;
import java.util.Optional;

/**
 * A primary that makes itself a standby. The record knows nothing of it yet.
 *
 * @param peer the standby's copy
 * @param sending the disks are alike, and its first epoch is on its way
 */
public record Seeding(Life lead, Copy peer, boolean sending) implements Leading {

    private static final long FIRST = 1;

    @Override
    public Optional<Copy> attached() {
        return Optional.of(peer);
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onSeedReady(ReplicaEvent.SeedReady event) {
        return sending
                ? Step.rejected(this, "its first epoch is on its way")
                : Step.to(new Seeding(lead, peer, true), new SendEpoch(peer, FIRST));
    }

    /** From here on it is bound as if the standby were in the set: the write may have taken effect before its answer. */
    @Override
    public Step<ReplicaState, ReplicaEffect> onStandbyAt(ReplicaEvent.StandbyAt event) {
        if (sending && event.peer().equals(peer) && event.epoch() == 0) {
            return Step.to(this, new SendEpoch(peer, FIRST));
        }
        if (!sending || !event.peer().equals(peer) || event.epoch() != FIRST) {
            return Step.rejected(this, "not the first epoch of " + peer);
        }
        return Step.to(
                new Protected(lead, peer, FIRST, Protected.Phase.RUNNING, Ink.WRITING),
                new ArmLag(FIRST),
                new NoteLife(lead.generation(), Optional.of(peer)),
                lead.write(peer),
                new RunOn());
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onStandbyLost(ReplicaEvent.StandbyLost event) {
        return event.peer().equals(peer)
                ? Step.to(new Alone(lead), new Detach(peer), new DisarmLag(), new FreeOutput(), new RunOn())
                : Step.rejected(this, "another standby");
    }
}
