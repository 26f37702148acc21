package dev.holdfast.coordinator.replication;

import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.replication.ReplicaEffect.AskProof;
import dev.holdfast.coordinator.replication.ReplicaEffect.Done;
import dev.holdfast.coordinator.replication.ReplicaEffect.DropCopy;
import dev.holdfast.coordinator.replication.ReplicaEffect.NoteLife;
import dev.holdfast.coordinator.replication.ReplicaEffect.ReadRecord;
import dev.holdfast.coordinator.replication.ReplicaEffect.Refuse;
import dev.holdfast.coordinator.replication.ReplicaEffect.WriteRecord;
import dev.holdfast.coordinator.replication.ReplicationRecord.Stored;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A copy that pacemaker wants to be the primary. */
public sealed interface Candidacy extends ReplicaState {

    /**
     * Who wants to be promoted.
     *
     * @param copy what it has
     * @param back where it goes if it is refused
     * @param wanted what is wanted of it by now: what comes later wins. Answers that are on their way are waited for, so that
     *     none is taken for that to a later question
     */
    record Candidate(Self self, Optional<CopyFacts> copy, ReplicaState back, Following.Wanted wanted) {

        Candidate(Self self, Optional<CopyFacts> copy, ReplicaState back) {
            this(self, copy, back, Following.Wanted.PRIMARY);
        }

        boolean isRevoked() {
            return wanted != Following.Wanted.PRIMARY;
        }

        Candidate wants(Following.Wanted other) {
            return new Candidate(self, copy, back, other);
        }

        /** A record that names it all the same is no harm: it is the only one in the set, and runs nothing. */
        Step<ReplicaState, ReplicaEffect> returned() {
            if (wanted == Following.Wanted.RESTING) {
                Step<ReplicaState, ReplicaEffect> rest = back.onRetireAsked(new ReplicaEvent.RetireAsked());
                return rest.rejection().isPresent() ? Step.to(back, new Done()) : rest;
            }
            return Step.to(back);
        }

        /** Before the proof the age of the last commit says nothing: the old primary may still go on. */
        Verdict judge(Optional<ReplicationRecord> record) {
            return judge(record, Duration.ZERO, new Proof.Missing());
        }

        Verdict judge(Optional<ReplicationRecord> record, Duration since, Proof proof) {
            return Promotion.judge(record, copy, since, proof, self.policy());
        }

        Step<ReplicaState, ReplicaEffect> refused(Reason reason) {
            return Step.to(back, new Refuse(reason));
        }

        /** It has begun a life. The note comes first: it must be known that this copy is used up once it runs. */
        Step<ReplicaState, ReplicaEffect> won(Stored stored) {
            CopyFacts mine = copy.orElseThrow();
            boolean disks = mine.kind() == CopyFacts.Kind.DISKS;
            boolean settled = mine.kind() != CopyFacts.Kind.STANDBY;
            Life life = new Life(self, mine.copy(), stored.record().generation(), stored.version(), settled);
            List<ReplicaEffect> effects = new ArrayList<>();
            effects.add(new NoteLife(life.generation(), Optional.empty()));
            if (mine.strayed()) {
                // The record names it now: what it did counts.
                effects.add(new ReplicaEffect.NoteStrayed(false));
            }
            effects.add(disks ? new ReplicaEffect.RunCold() : new ReplicaEffect.FailOver(mine.epoch()));
            effects.add(new Done());
            return Step.to(new Alone(life), effects);
        }
    }

    Candidate candidate();

    /** The same, of a candidate of whom something else is wanted. */
    Candidacy of(Candidate other);

    /** Nothing runs yet, and nothing will: what is under way comes to nothing. */
    @Override
    default Step<ReplicaState, ReplicaEffect> onDemoteAsked(ReplicaEvent.DemoteAsked event) {
        if (candidate().isRevoked()) {
            return Step.to(this, new Done());
        }
        return Step.to(of(candidate().wants(Following.Wanted.NOTHING)), new Done());
    }

    @Override
    default Step<ReplicaState, ReplicaEffect> onRetireAsked(ReplicaEvent.RetireAsked event) {
        return Step.to(of(candidate().wants(Following.Wanted.RESTING)));
    }

    @Override
    default Step<ReplicaState, ReplicaEffect> onPromoteAsked(ReplicaEvent.PromoteAsked event) {
        return candidate().wanted() == Following.Wanted.NOTHING
                ? Step.to(of(candidate().wants(Following.Wanted.PRIMARY)))
                : Step.rejected(this, "it is under way, or the copy is to rest");
    }

    static Step<ReplicaState, ReplicaEffect> begin(Candidate candidate) {
        return Step.to(new Reading(candidate, Optional.empty()), new ReadRecord());
    }

    /** Before it has begun a life it can be taken back. */
    private static Step<ReplicaState, ReplicaEffect> voided(Candidate candidate) {
        return Step.to(
                new Out(candidate.self(), Optional.empty()),
                new DropCopy(),
                candidate.isRevoked() ? new Done() : new Refuse(Reason.OUT_OF_SYNC));
    }

    private static boolean isOf(ReplicaEvent.VoidHeard event, Candidate candidate) {
        return candidate
                .copy()
                .filter(facts -> facts.copy().equals(event.copy()))
                .isPresent();
    }

    /**
     * The record is being read.
     *
     * @param claimed what was written without an answer; to find it proves that it has taken effect, to find something else
     *     proves nothing
     */
    record Reading(Candidate candidate, Optional<ReplicationRecord> claimed) implements Candidacy {

        @Override
        public Candidacy of(Candidate other) {
            return new Reading(other, claimed);
        }

        @Override
        public Step<ReplicaState, ReplicaEffect> onRecordRead(ReplicaEvent.RecordRead event) {
            if (candidate.isRevoked()) {
                return candidate.returned();
            }
            Stored stored = event.stored();
            if (claimed.equals(Optional.of(stored.record()))) {
                return candidate.won(stored);
            }
            Verdict verdict = candidate.judge(Optional.of(stored.record()));
            if (verdict instanceof Verdict.Allowed allowed) {
                return Claiming.claim(candidate, stored.version(), allowed.next());
            }
            Reason reason = ((Verdict.Refused) verdict).reason();
            return reason == Reason.NOT_PROVEN_GONE
                    ? Step.to(
                            new Proving(candidate, stored),
                            new AskProof(stored.record().primary().orElseThrow().node()))
                    : candidate.refused(reason);
        }

        @Override
        public Step<ReplicaState, ReplicaEffect> onRecordAbsent(ReplicaEvent.RecordAbsent event) {
            if (candidate.isRevoked()) {
                return candidate.returned();
            }
            Verdict verdict = candidate.judge(Optional.empty());
            return verdict instanceof Verdict.Allowed allowed
                    ? Claiming.claim(candidate, ReplicationRecord.NO_VERSION, allowed.next())
                    : candidate.refused(((Verdict.Refused) verdict).reason());
        }

        @Override
        public Step<ReplicaState, ReplicaEffect> onStoreSilent(ReplicaEvent.StoreSilent event) {
            return candidate.isRevoked() ? candidate.returned() : candidate.refused(Reason.STORE_SILENT);
        }

        @Override
        public Step<ReplicaState, ReplicaEffect> onVoidHeard(ReplicaEvent.VoidHeard event) {
            return isOf(event, candidate) ? voided(candidate) : Step.rejected(this, "another copy");
        }
    }

    /** Pacemaker is asked about the old primary, after the record was read. */
    record Proving(Candidate candidate, Stored stored) implements Candidacy {

        @Override
        public Candidacy of(Candidate other) {
            return new Proving(other, stored);
        }

        @Override
        public Step<ReplicaState, ReplicaEffect> onProofGiven(ReplicaEvent.ProofGiven event) {
            if (candidate.isRevoked()) {
                return candidate.returned();
            }
            Verdict verdict = candidate.judge(Optional.of(stored.record()), event.sinceCommit(), event.proof());
            return verdict instanceof Verdict.Allowed allowed
                    ? Claiming.claim(candidate, stored.version(), allowed.next())
                    : candidate.refused(((Verdict.Refused) verdict).reason());
        }

        @Override
        public Step<ReplicaState, ReplicaEffect> onVoidHeard(ReplicaEvent.VoidHeard event) {
            return isOf(event, candidate) ? voided(candidate) : Step.rejected(this, "another copy");
        }
    }

    /** The new life is being written. */
    record Claiming(Candidate candidate, ReplicationRecord next) implements Candidacy {

        @Override
        public Candidacy of(Candidate other) {
            return new Claiming(other, next);
        }

        static Step<ReplicaState, ReplicaEffect> claim(Candidate candidate, int version, ReplicationRecord next) {
            return Step.to(new Claiming(candidate, next), new WriteRecord(version, next));
        }

        @Override
        public Step<ReplicaState, ReplicaEffect> onRecordWritten(ReplicaEvent.RecordWritten event) {
            return candidate.isRevoked() ? candidate.returned() : candidate.won(new Stored(next, event.version()));
        }

        @Override
        public Step<ReplicaState, ReplicaEffect> onRecordRefused(ReplicaEvent.RecordRefused event) {
            return candidate.isRevoked() ? candidate.returned() : begin(candidate);
        }

        @Override
        public Step<ReplicaState, ReplicaEffect> onRecordUnknown(ReplicaEvent.RecordUnknown event) {
            return candidate.isRevoked()
                    ? candidate.returned()
                    : Step.to(new Reading(candidate, Optional.of(next)), List.of(new ReadRecord()));
        }
    }
}
