package dev.holdfast.coordinator.replication;

import dev.holdfast.coordinator.protocol.Name;
import java.time.Duration;
import java.util.Optional;

/**
 * Who may be promoted. Pacemaker says where, this says whether. It is asked only within pacemaker's {@code promote}, and a start
 * of the machine from the disks that a primary left behind is a promotion like any other.
 *
 * <p>Why the answer is safe, in one sentence: the record was read, <em>then</em> its primary was proven gone, or had given up by
 * itself, and the next life begins by a write that fails if the record has changed since; so no other life can have begun, and
 * none can begin later without knowing of this one.
 */
public final class Promotion {

    private Promotion() {}

    /**
     * Judges one copy.
     *
     * @param record what the store says; empty if it knows nothing of the machine
     * @param copy what this node has; empty if nothing
     * @param sinceCommit how long ago the last epoch was committed here, by this node's monotonic clock, looked up after
     *     the proof
     * @param proof what is known of the old primary's node; {@link Proof.Missing} if it was not asked for yet
     * @return allowed with the record of the new life, or the reason
     */
    public static Verdict judge(
            Optional<ReplicationRecord> record,
            Optional<CopyFacts> copy,
            Duration sinceCommit,
            Proof proof,
            Policy policy) {
        if (copy.isEmpty()) {
            return Verdict.no(Reason.NO_COPY);
        }
        CopyFacts mine = copy.get();
        if (record.isEmpty()) {
            return first(mine);
        }
        ReplicationRecord known = record.get();
        if (mine.generation() > known.generation()) {
            return Verdict.no(Reason.STORE_OLDER);
        }
        if (!known.inSync().contains(mine.copy())) {
            return Verdict.no(notInSync(known, mine));
        }
        if (mine.kind() == CopyFacts.Kind.STANDBY && mine.epoch() == 0) {
            return Verdict.no(Reason.UNFINISHED);
        }
        // One that has begun a life already was not too old then, and nobody has gone on since.
        boolean begun = known.isPrimary(mine.copy());
        boolean wasStandby = mine.kind() == CopyFacts.Kind.STANDBY || mine.isOfStopped();
        if (wasStandby && !begun && isTooOld(sinceCommit, policy)) {
            return Verdict.no(Reason.TOO_OLD);
        }
        if (known.primary().isPresent() && !isGone(known.primary().get(), mine.copy(), proof)) {
            return Verdict.no(proof instanceof Proof.NoFencing ? Reason.NO_FENCING : Reason.NOT_PROVEN_GONE);
        }
        return new Verdict.Allowed(ReplicationRecord.of(known.generation() + 1, mine.copy()));
    }

    /** The first life of all makes the record; who is second finds one and is out of sync. */
    private static Verdict first(CopyFacts mine) {
        return mine.kind() == CopyFacts.Kind.DISKS && mine.generation() == 0
                ? new Verdict.Allowed(ReplicationRecord.of(1, mine.copy()))
                : Verdict.no(Reason.NO_RECORD);
    }

    private static Reason notInSync(ReplicationRecord known, CopyFacts mine) {
        if (mine.strayed()) {
            return Reason.STRAYED;
        }
        Name node = mine.copy().node();
        boolean another = known.inSync().stream().anyMatch(copy -> copy.node().equals(node));
        return another ? Reason.COPY_REPLACED : Reason.OUT_OF_SYNC;
    }

    private static boolean isTooOld(Duration sinceCommit, Policy policy) {
        return policy.maxStale()
                .filter(bound -> sinceCommit.compareTo(bound) > 0)
                .isPresent();
    }

    /** One's own former life is gone: the agent asks only when there is no process of the machine on its node. */
    private static boolean isGone(Copy primary, Copy mine, Proof proof) {
        return primary.equals(mine) || proof.isGone(primary.node());
    }
}
