package dev.holdfast.coordinator.replication;

import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.replication.ReplicaEffect.CommitDisks;
import dev.holdfast.coordinator.replication.ReplicaEffect.ForgetLife;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What an agent that starts makes of what it finds. */
final class Recovery {

    private Recovery() {}

    static Step<ReplicaState, ReplicaEffect> from(Self self, Found found) {
        if (found instanceof Found.Idle idle) {
            return Step.to(new Out(self, idle.copy()));
        }
        return found instanceof Found.Standby standby ? standby(self, standby) : primary(self, (Found.Primary) found);
    }

    /** A commit that was begun is rolled forward before anything else. What was still arriving went with the agent that took it. */
    private static Step<ReplicaState, ReplicaEffect> standby(Self self, Found.Standby found) {
        CopyFacts facts = found.facts();
        Following following =
                Following.begin(self, facts.copy(), facts.generation()).at(facts.epoch());
        if (found.committing()) {
            return Step.to(following.in(Following.Commit.DISKS), new CommitDisks(facts.epoch() + 1));
        }
        return Step.to(following);
    }

    private static Step<ReplicaState, ReplicaEffect> primary(Self self, Found.Primary found) {
        Life life = new Life(self, found.copy(), found.generation(), ReplicationRecord.NO_VERSION, found.settled());
        boolean gone = found.guest() == Found.Guest.GONE;
        if (found.guest() == Found.Guest.WAITS) {
            return waiting(life, found.epoch());
        }
        if (found.leaving() || gone) {
            return Leaving.begin(life, found.peer(), Parting.Why.CRASHED, Ink.WRITTEN, !gone, found.strayed());
        }
        if (found.strayed()) {
            return Step.to(
                    new Isolated(life, Ink.READING), onwards(life, found.peer(), new ReplicaEffect.ReadRecord()));
        }
        if (found.peer().isPresent()) {
            return Shrinking.found(life, found.peer().get());
        }
        return Step.to(new Alone(life), onwards(life, found.peer()));
    }

    /** Nothing has run, and pacemaker may have demoted it since: whoever still wants it asks once more. */
    private static Step<ReplicaState, ReplicaEffect> waiting(Life life, long epoch) {
        if (!life.settled()) {
            return Following.resumed(life, epoch);
        }
        CopyFacts resting = CopyFacts.resting(life.copy(), life.generation(), epoch);
        return Step.to(new Out(life.self(), Optional.of(resting)), new ForgetLife());
    }

    /** What was to be done when the note was written, which may have been the last that was done. */
    private static List<ReplicaEffect> onwards(Life life, Optional<Copy> peer, ReplicaEffect... more) {
        List<ReplicaEffect> effects = new ArrayList<>();
        peer.ifPresent(copy -> effects.add(new ReplicaEffect.Detach(copy)));
        effects.add(new ReplicaEffect.DisarmLag());
        effects.add(new ReplicaEffect.FreeOutput());
        effects.add(new ReplicaEffect.RunOn());
        effects.addAll(List.of(more));
        return effects;
    }
}
