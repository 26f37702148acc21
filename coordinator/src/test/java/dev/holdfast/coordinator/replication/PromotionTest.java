package dev.holdfast.coordinator.replication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.coordinator.protocol.Name;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Who may be promoted, overwritten, or declared the one that counts. */
final class PromotionTest {

    private static final Name N1 = new Name("n1");
    private static final Copy P = new Copy(N1, new Name("a"));
    private static final Copy S = new Copy(new Name("n2"), new Name("b"));
    private static final Proof GONE = new Proof.Gone(N1);
    private static final ReplicationRecord BOTH = ReplicationRecord.of(4, P, S);
    private static final CopyFacts STANDBY = CopyFacts.standby(S, 4, 7);

    private static Verdict judge(ReplicationRecord record, CopyFacts facts, Proof proof) {
        return Promotion.judge(Optional.of(record), Optional.of(facts), Duration.ZERO, proof, Policy.pause());
    }

    private static Verdict allowed(long generation, Copy copy) {
        return new Verdict.Allowed(ReplicationRecord.of(generation, copy));
    }

    @Test
    void aMemberOfTheSetIsPromotedOnceThePrimaryIsProvenGone() {
        assertThat(judge(BOTH, STANDBY, GONE)).isEqualTo(allowed(5, S));
        assertThat(judge(BOTH, STANDBY, new Proof.Missing())).isEqualTo(Verdict.no(Reason.NOT_PROVEN_GONE));
        assertThat(judge(BOTH, STANDBY, new Proof.NoFencing())).isEqualTo(Verdict.no(Reason.NO_FENCING));
    }

    @Test
    void thatAnotherNodeWasFencedProvesNothing() {
        assertThat(judge(BOTH, STANDBY, new Proof.Gone(new Name("n3")))).isEqualTo(Verdict.no(Reason.NOT_PROVEN_GONE));
    }

    @Test
    void whoWasGivenTheMachineNeedsNoFencing() {
        ReplicationRecord givenUp = BOTH.givenUp(List.of(P, S));
        assertThat(judge(givenUp, STANDBY, new Proof.NoFencing())).isEqualTo(allowed(5, S));
        assertThat(judge(givenUp, CopyFacts.disks(P, 4, false), new Proof.Missing()))
                .isEqualTo(allowed(5, P));
    }

    @Test
    void aStaleCopyIsRefusedAndToldWhy() {
        ReplicationRecord alone = ReplicationRecord.of(4, P);
        Copy other = new Copy(S.node(), new Name("c"));
        assertThat(judge(alone, STANDBY, GONE)).isEqualTo(Verdict.no(Reason.OUT_OF_SYNC));
        assertThat(judge(BOTH, CopyFacts.standby(other, 4, 7), GONE)).isEqualTo(Verdict.no(Reason.COPY_REPLACED));
        assertThat(judge(BOTH, CopyFacts.standby(S, 4, 0), GONE)).isEqualTo(Verdict.no(Reason.UNFINISHED));
        assertThat(judge(BOTH, CopyFacts.standby(S, 5, 7), GONE)).isEqualTo(Verdict.no(Reason.STORE_OLDER));
        assertThat(judge(ReplicationRecord.of(5, S), CopyFacts.disks(P, 4, true), GONE))
                .isEqualTo(Verdict.no(Reason.STRAYED));
        for (Reason reason : Reason.values()) {
            assertThat(reason.text()).hasSizeGreaterThan(20);
        }
    }

    @Test
    void theAgeOfACommitCountsOnlyIfItIsBounded() {
        Policy bounded = new Policy(Policy.OnIsolation.CONTINUE, false, Optional.of(Duration.ofSeconds(60)));
        Duration old = Duration.ofSeconds(61);
        assertThat(Promotion.judge(Optional.of(BOTH), Optional.of(STANDBY), old, GONE, bounded))
                .isEqualTo(Verdict.no(Reason.TOO_OLD));
        assertThat(Promotion.judge(Optional.of(BOTH), Optional.of(STANDBY), old, GONE, Policy.pause()))
                .isEqualTo(allowed(5, S));
    }

    @Test
    void theFirstLifeMakesTheRecordAndALaterOneNever() {
        assertThat(Promotion.judge(
                        Optional.empty(),
                        Optional.of(CopyFacts.disks(P, 0, false)),
                        Duration.ZERO,
                        new Proof.Missing(),
                        Policy.pause()))
                .isEqualTo(allowed(1, P));
        assertThat(Promotion.judge(
                        Optional.empty(),
                        Optional.of(CopyFacts.disks(P, 4, false)),
                        Duration.ZERO,
                        GONE,
                        Policy.pause()))
                .isEqualTo(Verdict.no(Reason.NO_RECORD));
        assertThat(Promotion.judge(Optional.of(BOTH), Optional.empty(), Duration.ZERO, GONE, Policy.pause()))
                .isEqualTo(Verdict.no(Reason.NO_COPY));
    }

    @Test
    void whatNobodyElseHasIsNotOverwrittenWithoutAWord() {
        assertThat(Reseed.judge(Optional.empty(), 4)).isEmpty();
        assertThat(Reseed.judge(Optional.of(CopyFacts.disks(P, 4, false)), 5)).isEmpty();
        assertThat(Reseed.judge(Optional.of(CopyFacts.disks(P, 4, true)), 5)).contains(Reason.STRAYED);
        assertThat(Reseed.judge(Optional.of(CopyFacts.disks(P, 0, false)), 5)).contains(Reason.FOREIGN);
        assertThat(Reseed.judge(Optional.of(STANDBY), 3)).contains(Reason.NEWER_COPY);
    }

    @Test
    void aPersonNamesEveryCopyThatShallNotCount() {
        ReplicationRecord lost = ReplicationRecord.of(5, S);
        CopyFacts keep = CopyFacts.disks(P, 4, false);
        Proof gone = new Proof.Gone(S.node());
        assertThat(Discard.judge(Optional.of(lost), keep, Set.of(S.node()), gone))
                .isEqualTo(new Verdict.Allowed(ReplicationRecord.of(6, P).givenUp(Set.of(P))));
        assertThat(Discard.judge(Optional.of(lost), keep, Set.of(), gone)).isEqualTo(Verdict.no(Reason.NOT_NAMED));
        assertThat(Discard.judge(Optional.of(lost), keep, Set.of(S.node()), new Proof.Missing()))
                .isEqualTo(Verdict.no(Reason.STILL_WANTED));
        assertThat(Discard.judge(Optional.empty(), CopyFacts.standby(S, 4, 0), Set.of(N1), gone))
                .isEqualTo(Verdict.no(Reason.UNFINISHED));
    }

    @Test
    void goingOnUnrecordedNeedsABoundAndExcludesOutputCommit() {
        assertThatThrownBy(() -> new Policy(Policy.OnIsolation.CONTINUE, true, Optional.of(Duration.ofMinutes(1))))
                .hasMessageContaining("output_commit");
        assertThatThrownBy(() -> new Policy(Policy.OnIsolation.CONTINUE, false, Optional.empty()))
                .hasMessageContaining("max_stale");
    }
}
