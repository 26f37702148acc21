package dev.holdfast.coordinator.replication;

import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.replication.ReplicaEffect.Done;
import dev.holdfast.coordinator.replication.ReplicaEffect.DropCopy;
import dev.holdfast.coordinator.replication.ReplicaEffect.ReadRecord;
import dev.holdfast.coordinator.replication.ReplicaEffect.Refuse;
import java.util.Optional;

/**
 * No role: nothing of the machine runs on this node. What a standby that was stopped has left is kept: it may be the last copy
 * that counts. Its memory is given up once the store has recorded a set without it.
 *
 * @param copy what is on its media; empty if nothing
 * @param asking the store was asked whether the copy is still in the set
 */
public record Out(Self self, Optional<CopyFacts> copy, boolean asking) implements ReplicaState {

    /** Nothing was asked. */
    public Out(Self self, Optional<CopyFacts> copy) {
        this(self, copy, false);
    }

    /** Before the agent has looked. */
    public static Out begin(Self self) {
        return new Out(self, Optional.empty());
    }

    private boolean isResting() {
        return copy.filter(mine -> mine.kind() == CopyFacts.Kind.RESTING).isPresent();
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onRecovered(ReplicaEvent.Recovered event) {
        return Recovery.from(self, event.found());
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onSeedBegun(ReplicaEvent.SeedBegun event) {
        Optional<Reason> reason = Reseed.judge(copy, event.generation());
        if (reason.isPresent() || asking) {
            return Step.to(this, new Refuse(reason.orElse(Reason.BUSY)));
        }
        return Step.to(
                Following.begin(self, event.copy(), event.generation()), new ReplicaEffect.MakeCopy(event.copy()));
    }

    /** An answer that is on its way is as good as another. */
    @Override
    public Step<ReplicaState, ReplicaEffect> onPromoteAsked(ReplicaEvent.PromoteAsked event) {
        Candidacy.Candidate candidate = new Candidacy.Candidate(self, copy, new Out(self, copy));
        return asking ? Step.to(new Candidacy.Reading(candidate, Optional.empty())) : Candidacy.begin(candidate);
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onDemoteAsked(ReplicaEvent.DemoteAsked event) {
        return Step.to(this, new Done());
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onRetireAsked(ReplicaEvent.RetireAsked event) {
        return Step.to(this, new Done());
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onDiscardAsked(ReplicaEvent.DiscardAsked event) {
        return Step.to(new Out(self, Optional.empty(), asking), new DropCopy(), new Done());
    }

    /** The machine was stopped by somebody's wish, or the primary has gone on without this copy. */
    @Override
    public Step<ReplicaState, ReplicaEffect> onVoidHeard(ReplicaEvent.VoidHeard event) {
        boolean mine = copy.filter(facts -> facts.isOfStopped() && facts.copy().equals(event.copy()))
                .isPresent();
        return mine
                ? Step.to(new Out(self, Optional.empty(), asking), new DropCopy())
                : Step.rejected(this, "another copy");
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onRetry(ReplicaEvent.Retry event) {
        return isResting() && !asking
                ? Step.to(new Out(self, copy, true), new ReadRecord())
                : Step.rejected(this, "there is nothing to ask for");
    }

    /** A set that it has left it never comes back into but by a person's decision, for which its disks stay. */
    @Override
    public Step<ReplicaState, ReplicaEffect> onRecordRead(ReplicaEvent.RecordRead event) {
        if (!asking) {
            return Step.rejected(this, "the record was not asked for");
        }
        ReplicationRecord known = event.stored().record();
        boolean counts = !isResting()
                || known.generation() < copy.orElseThrow().generation()
                || known.inSync().contains(copy.orElseThrow().copy());
        return counts
                ? answered()
                : Step.to(new Out(self, copy.map(CopyFacts::disksAlone)), new ReplicaEffect.FreeMemory());
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onRecordAbsent(ReplicaEvent.RecordAbsent event) {
        return answered();
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onStoreSilent(ReplicaEvent.StoreSilent event) {
        return answered();
    }

    private Step<ReplicaState, ReplicaEffect> answered() {
        return asking ? Step.to(new Out(self, copy)) : Step.rejected(this, "nothing was asked");
    }
}
