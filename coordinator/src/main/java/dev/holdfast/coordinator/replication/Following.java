package dev.holdfast.coordinator.replication;

import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.replication.ReplicaEffect.Acknowledge;
import dev.holdfast.coordinator.replication.ReplicaEffect.CommitDisks;
import dev.holdfast.coordinator.replication.ReplicaEffect.DropCopy;
import dev.holdfast.coordinator.replication.ReplicaEffect.NoteCommit;
import dev.holdfast.coordinator.replication.ReplicaEffect.Refuse;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A standby, or one that becomes one.
 *
 * @param copy its copy
 * @param generation of the primary it follows
 * @param epoch the last one that is committed here; 0 before the first
 * @param commit how far that of the next one is
 * @param wanted what somebody wants of it as soon as the commit is done
 */
public record Following(Self self, Copy copy, long generation, long epoch, Commit commit, Wanted wanted)
        implements ReplicaState {

    /** How far a commit is. */
    enum Commit {
        NONE,
        /** The note that it begins is on its way. */
        NOTING,
        /** The disks are brought to the epoch, and the note says so then. */
        DISKS,
        /** No commit comes any more: the disks are brought back to the last one, and the process ends. */
        RESTING
    }

    /** What it is to become. */
    enum Wanted {
        NOTHING,
        PRIMARY,
        /** A copy without a process. */
        RESTING
    }

    static Following begin(Self self, Copy copy, long generation) {
        return new Following(self, copy, generation, 0, Commit.NONE, Wanted.NOTHING);
    }

    /** It was promoted, and its guest has not run. */
    static Step<ReplicaState, ReplicaEffect> resumed(Life life, long epoch) {
        return Step.to(begin(life.self(), life.copy(), life.generation()).at(epoch), new ReplicaEffect.ForgetLife());
    }

    Following at(long committed) {
        return new Following(self, copy, generation, committed, Commit.NONE, wanted);
    }

    Following in(Commit now) {
        return new Following(self, copy, generation, epoch, now, wanted);
    }

    ReplicaEffect acknowledgement() {
        return new Acknowledge(copy, epoch);
    }

    private CopyFacts facts() {
        return CopyFacts.standby(copy, generation, epoch);
    }

    private Step<ReplicaState, ReplicaEffect> unfit(Object event) {
        return Step.rejected(this, "%s does not fit %s at %d, %s".formatted(event, copy, epoch, commit));
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onMemoryComplete(ReplicaEvent.MemoryComplete event) {
        if (!event.copy().equals(copy) || commit != Commit.NONE || event.epoch() != epoch + 1) {
            return unfit(event);
        }
        return Step.to(in(Commit.NOTING), new NoteCommit(epoch + 1));
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onJournaled(ReplicaEvent.Journaled event) {
        return commit == Commit.NOTING ? Step.to(in(Commit.DISKS), new CommitDisks(epoch + 1)) : unfit(event);
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onDisksCommitted(ReplicaEvent.DisksCommitted event) {
        return commit == Commit.DISKS ? committed() : unfit(event);
    }

    private Step<ReplicaState, ReplicaEffect> committed() {
        Following next = at(epoch + 1);
        List<ReplicaEffect> effects = new ArrayList<>();
        effects.add(next.acknowledgement());
        if (wanted == Wanted.NOTHING) {
            return Step.to(next, effects);
        }
        Step<ReplicaState, ReplicaEffect> then = wanted == Wanted.PRIMARY ? next.candidate() : next.rest();
        effects.addAll(then.effects());
        return Step.to(then.next(), effects);
    }

    private Step<ReplicaState, ReplicaEffect> rest() {
        return Step.to(
                new Following(self, copy, generation, epoch, Commit.RESTING, Wanted.RESTING),
                new ReplicaEffect.RestCopy(copy, epoch));
    }

    private Step<ReplicaState, ReplicaEffect> candidate() {
        Following back = new Following(self, copy, generation, epoch, Commit.NONE, Wanted.NOTHING);
        return Candidacy.begin(new Candidacy.Candidate(self, Optional.of(facts()), back));
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onPromoteAsked(ReplicaEvent.PromoteAsked event) {
        if (wanted == Wanted.RESTING) {
            return unfit(event);
        }
        return commit == Commit.NONE ? candidate() : Step.to(when(Wanted.PRIMARY));
    }

    private Following when(Wanted next) {
        return new Following(self, copy, generation, epoch, commit, next);
    }

    /** Pacemaker stops an instance also where it is the last one: the copy stays, as it may be the only one that counts. */
    @Override
    public Step<ReplicaState, ReplicaEffect> onRetireAsked(ReplicaEvent.RetireAsked event) {
        if (commit != Commit.NONE) {
            return Step.to(when(Wanted.RESTING));
        }
        return epoch == 0 ? Step.to(new Out(self, Optional.empty()), new DropCopy(), new ReplicaEffect.Done()) : rest();
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onCopyRested(ReplicaEvent.CopyRested event) {
        return commit == Commit.RESTING
                ? Step.to(
                        new Out(self, Optional.of(CopyFacts.resting(copy, generation, epoch))),
                        new ReplicaEffect.Done())
                : unfit(event);
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onDemoteAsked(ReplicaEvent.DemoteAsked event) {
        return Step.to(wanted == Wanted.PRIMARY ? when(Wanted.NOTHING) : this, new ReplicaEffect.Done());
    }

    /** The primary begins anew: it has been recorded without this copy. */
    @Override
    public Step<ReplicaState, ReplicaEffect> onSeedBegun(ReplicaEvent.SeedBegun event) {
        Optional<Reason> reason = Reseed.judge(Optional.of(facts()), event.generation());
        if (reason.isPresent() || commit != Commit.NONE) {
            return Step.to(this, new Refuse(reason.orElse(Reason.BUSY)));
        }
        return Step.to(begin(self, event.copy(), event.generation()), new ReplicaEffect.MakeCopy(event.copy()));
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onCommitFailed(ReplicaEvent.CommitFailed event) {
        return commit == Commit.NONE || commit == Commit.RESTING ? unfit(event) : gone();
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onVoidHeard(ReplicaEvent.VoidHeard event) {
        return event.copy().equals(copy) ? gone() : unfit(event);
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onCopyNotMade(ReplicaEvent.CopyNotMade event) {
        return epoch == 0 && commit == Commit.NONE ? Step.to(new Out(self, event.left())) : unfit(event);
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onCopyLost(ReplicaEvent.CopyLost event) {
        return gone();
    }

    private Step<ReplicaState, ReplicaEffect> gone() {
        Out out = new Out(self, Optional.empty());
        return switch (wanted) {
            case NOTHING -> Step.to(out, new DropCopy());
            case PRIMARY -> Step.to(out, new DropCopy(), new Refuse(Reason.NO_COPY));
            case RESTING -> Step.to(out, new DropCopy(), new ReplicaEffect.Done());
        };
    }

    @Override
    public void checkInvariants() {
        if (epoch < 0 || !copy.node().equals(self.node())) {
            throw new IllegalStateException("a standby of another node, or before its first epoch: " + this);
        }
    }
}
