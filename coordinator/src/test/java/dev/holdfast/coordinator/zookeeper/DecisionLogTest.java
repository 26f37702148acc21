package dev.holdfast.coordinator.zookeeper;

import static dev.holdfast.coordinator.zookeeper.Rounds.NO_REASON;
import static dev.holdfast.coordinator.zookeeper.Rounds.checkpoint;
import static dev.holdfast.coordinator.zookeeper.Rounds.report;
import static dev.holdfast.coordinator.zookeeper.Rounds.revert;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.entry;

import dev.holdfast.coordinator.port.DecisionLog.Remains;
import dev.holdfast.coordinator.port.DecisionLog.Written;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.RoundState;
import dev.holdfast.coordinator.protocol.RoundView;
import dev.holdfast.coordinator.protocol.Vote;
import dev.holdfast.coordinator.walls.BesideOthers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Op;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

@BesideOthers
class DecisionLogTest extends OnOneStore {

    @Test
    void whoTakesPartReadsItsOwnVoteOnly() throws Exception {
        RoundSpec spec = checkpoint("r1", REIGN, "shop", "one", "web");
        log.open(spec);
        log.castVote(spec.id(), N1, new Vote.No(NO_REASON));
        log.castVote(spec.id(), N2, new Vote.No(NO_REASON));
        assertThat(log.roundsFor(N1))
                .singleElement()
                .satisfies(view -> assertThat(view.votes()).containsOnlyKeys(N1));
        assertThat(log.rounds())
                .singleElement()
                .satisfies(view -> assertThat(view.votes()).containsOnlyKeys(N1, N2));
    }

    @Test
    void whoTakesNoPartReadsTheRecordOnce() throws Exception {
        RoundSpec spec = checkpoint("r1", REIGN, "shop", "one", "web");
        log.open(spec);
        assertThat(log.roundsFor(N2)).isEmpty();
        String path = store.session().schema().round(spec.id());
        store.session().multi(List.of(Op.setData(path, "{".getBytes(StandardCharsets.UTF_8), -1)));
        assertThat(log.roundsFor(N2)).isEmpty();
        assertThat(log.unreadable()).as("what became of it since").isEmpty();
        assertThat(log.roundsFor(N1)).isEmpty();
        assertThat(log.unreadable()).hasSize(1);
    }

    @Test
    void whoTookPartOnceLooksAgainAlsoIfTheRecordSaidOtherwiseInBetween() throws Exception {
        RoundSpec spec = checkpoint("r1", REIGN, "shop", "one", "web");
        log.open(spec);
        assertThat(log.roundsFor(N1)).hasSize(1);
        String path = store.session().schema().round(spec.id());
        byte[] whole = store.session().get(path).orElseThrow().bytes();
        String damaged = new String(whole, StandardCharsets.UTF_8).replace("\"n1\"", "\"o1\"");
        assertThat(damaged).contains("o1");
        store.session().multi(List.of(Op.setData(path, damaged.getBytes(StandardCharsets.UTF_8), -1)));
        log.roundsFor(N1);
        store.session().multi(List.of(Op.setData(path, whole, -1)));
        assertThat(log.roundsFor(N1)).hasSize(1);
    }

    @Test
    void committedRoundLeavesACheckpointAndNoClaims() throws StoreUnreachableException {
        RoundSpec spec = checkpoint("r1", REIGN, "shop", "one", "web", "db");
        assertThat(log.open(spec)).isEqualTo(new Written.Done(0));
        assertThat(store.catalogue().checkpoint(spec.group(), spec.checkpoint()))
                .as("nothing before the decision")
                .isEmpty();

        log.sayReady(spec.id(), N1);
        log.sayReady(spec.id(), N2);
        log.castVote(spec.id(), N1, new Vote.Durable(report("n1", "web", 10)));
        log.castVote(spec.id(), N2, new Vote.Durable(report("n2", "db", 11)));
        RoundView view = log.read(spec.id()).orElseThrow();
        assertThat(view.ready()).containsExactly(N1, N2);
        assertThat(view.votes()).containsOnlyKeys(N1, N2);
        assertThat(view.version())
                .as("votes do not change the record's version")
                .isZero();

        Written written = log.decide(
                spec,
                Decision.COMMITTED,
                0,
                REIGN,
                List.of(report("n1", "web", 10), report("n2", "db", 11)),
                NO_REASON);
        assertThat(written).isEqualTo(new Written.Done(1));
        assertThat(store.catalogue().checkpoint(spec.group(), spec.checkpoint()))
                .hasValueSatisfying(found -> assertThat(found.vms()).hasSize(2));

        log.acknowledge(spec.id(), N1);
        log.acknowledge(spec.id(), N1);
        log.acknowledge(spec.id(), N2);
        assertThat(log.read(spec.id()).orElseThrow().acknowledged()).containsExactly(N1, N2);
        assertThat(store.claims().claims())
                .containsOnly(entry("web", "r1"), entry("db", "r1"), entry("shop@one", "r1"));
        assertThat(log.close(spec, REIGN)).isInstanceOf(Written.Done.class);
        assertThat(store.claims().claims()).isEmpty();
        assertThat(log.close(spec, REIGN)).as("idempotent").isInstanceOf(Written.Done.class);
        assertThat(log.rounds()).isEmpty();
        assertThat(log.open(checkpoint("r2", REIGN, "shop", "two", "web", "db")))
                .as("the claims are free again")
                .isEqualTo(new Written.Done(0));
        log.acknowledge(spec.id(), N1);
        log.castVote(spec.id(), N1, new Vote.No(NO_REASON));
        assertThat(log.read(spec.id()))
                .as("late words do not bring a round back")
                .isEmpty();
    }

    @Test
    void theCatalogueProvesACommitmentWhoseRecordIsGone() throws Exception {
        RoundSpec spec = checkpoint("r1", REIGN, "shop", "one", "web");
        log.open(spec);
        assertThat(log.remains(spec)).isEqualTo(Remains.RECORD);
        log.decide(spec, Decision.COMMITTED, 0, REIGN, List.of(report("n1", "web", 1)), NO_REASON);
        assertThat(log.remains(spec)).isEqualTo(Remains.RECORD);
        log.close(spec, REIGN);
        assertThat(log.remains(spec)).isEqualTo(Remains.CHECKPOINT);
        assertThat(log.remains(checkpoint("r0", REIGN, "shop", "one", "web")))
                .as("another round of that name")
                .isEqualTo(Remains.NOTHING);
        store.catalogue().beginDelete(spec.group(), spec.checkpoint(), REIGN);
        assertThat(log.remains(spec)).as("it was committed").isEqualTo(Remains.CHECKPOINT);
        store.catalogue().finishDelete(spec.group(), spec.checkpoint(), REIGN);
        assertThat(log.remains(spec)).isEqualTo(Remains.NOTHING);
    }

    @Test
    void aStoreThatLacksMoreThanARoundSaysNothingOfIt() throws Exception {
        Schema schema = store.session().schema();
        RoundSpec spec = revert("r1", REIGN, "shop", "one", "web");
        assertThat(log.remains(spec)).isEqualTo(Remains.NOTHING);
        for (String directory : List.of(schema.rounds(), schema.checkpoints())) {
            assertThat(store.session().multi(List.of(Op.delete(directory, -1)))).isEqualTo(new Wire.Outcome.Done());
            assertThatThrownBy(() -> log.remains(spec))
                    .isInstanceOf(StoreUnreachableException.class)
                    .hasMessageContaining("there is no " + directory + " in the store")
                    .hasMessageContaining("round r1");
            store.session().ensure(directory, new byte[0]);
        }
    }

    @Test
    void overlappingRoundIsRefusedWithTheHoldersNameAndLeavesNothing() throws StoreUnreachableException {
        assertThat(log.open(checkpoint("r1", REIGN, "shop", "one", "web", "db")))
                .isInstanceOf(Written.Done.class);

        Written refused = log.open(checkpoint("r2", REIGN, "blog", "uno", "aaa", "db", "zzz"));

        assertThat(refused).isInstanceOfSatisfying(Written.Refused.class, busy -> {
            assertThat(busy.because().kind()).isEqualTo(Refusal.Kind.BUSY);
            assertThat(busy.because().text()).contains("db is held by round r1").contains("shop@one");
            assertThat(busy.because().text()).doesNotContain("aaa").doesNotContain("zzz");
        });
        assertThat(log.read(new RoundId("r2"))).isEmpty();
        assertThat(log.open(checkpoint("r3", REIGN, "blog", "uno", "aaa", "zzz")))
                .as("no claim of the refused round is left, nor its name")
                .isInstanceOf(Written.Done.class);
    }

    @Test
    void nameIsReservedWhileOpenAndTakenOnceCommitted() {
        RoundSpec first = checkpoint("r1", REIGN, "shop", "one", "web");
        assertThat(log.open(first)).isInstanceOf(Written.Done.class);
        assertThat(log.open(checkpoint("r2", REIGN, "shop", "one", "db")))
                .isInstanceOfSatisfying(
                        Written.Refused.class,
                        busy -> assertThat(busy.because().text()).contains("shop@one is held by round r1"));
        assertThat(log.decide(first, Decision.COMMITTED, 0, REIGN, List.of(report("n1", "web", 1)), NO_REASON))
                .isInstanceOf(Written.Done.class);
        assertThat(log.close(first, REIGN)).isInstanceOf(Written.Done.class);
        assertThat(log.open(checkpoint("r3", REIGN, "shop", "one", "web")))
                .isInstanceOfSatisfying(Written.Refused.class, taken -> {
                    assertThat(taken.because().kind()).isEqualTo(Refusal.Kind.PREFLIGHT);
                    assertThat(taken.because().text()).contains("shop@one already");
                });
    }

    @Test
    void claimIsTakenAwayOnlyIfItsRoundIsGone() throws Exception {
        RoundSpec spec = checkpoint("r1", REIGN, "shop", "one", "web");
        log.open(spec);
        assertThat(store.claims().release("web", "r1")).as("the round is there").isFalse();
        assertThat(store.claims().release("web", "r0")).as("not its claim").isFalse();
        assertThat(store.claims().claims()).containsOnlyKeys("web", "shop@one");
        store.session().multi(List.of(Op.delete(new Schema(cluster).round(spec.id()), -1)));
        assertThat(store.claims().release("web", "r1")).isTrue();
        assertThat(store.claims().release("web", "r1")).as("a second time").isFalse();
        assertThat(store.claims().release("shop@one", "r1")).isTrue();
        assertThat(log.rounds()).isEmpty();
        assertThat(log.open(checkpoint("r2", REIGN, "shop", "one", "web"))).isInstanceOf(Written.Done.class);
    }

    @Test
    void abortedRoundReleasesNameAndMachines() {
        RoundSpec first = checkpoint("r1", REIGN, "shop", "one", "web");
        log.open(first);
        assertThat(log.close(first, REIGN))
                .as("an open round is not removed")
                .isEqualTo(new Written.Conflict(RoundState.PREPARING, 0));
        assertThat(log.decide(first, Decision.ABORTED, 0, REIGN, List.of(), NO_REASON))
                .isEqualTo(new Written.Done(1));
        assertThat(log.close(first, REIGN)).isInstanceOf(Written.Done.class);
        assertThat(log.open(checkpoint("r2", REIGN, "shop", "one", "web"))).isInstanceOf(Written.Done.class);
    }

    @Test
    void afterAbortNoCommitIsPossibleNorTheReverse() throws StoreUnreachableException {
        RoundSpec spec = checkpoint("r1", REIGN, "shop", "one", "web");
        log.open(spec);
        assertThat(log.decide(spec, Decision.ABORTED, 0, REIGN, List.of(), NO_REASON))
                .isEqualTo(new Written.Done(1));
        assertThat(log.decide(spec, Decision.COMMITTED, 0, REIGN, List.of(report("n1", "web", 1)), NO_REASON))
                .isEqualTo(new Written.Conflict(RoundState.ABORTED, 1));
        assertThat(log.read(spec.id()).orElseThrow().state()).isEqualTo(RoundState.ABORTED);
        assertThat(store.catalogue().checkpoints(spec.group())).isEmpty();
        assertThat(log.touch(spec.id(), REIGN)).isEqualTo(new Written.Conflict(RoundState.ABORTED, 1));
    }

    @Test
    void touchMakesAnOlderWriteImpossible() {
        RoundSpec spec = checkpoint("r1", REIGN, "shop", "one", "web");
        log.open(spec);
        assertThat(log.touch(spec.id(), REIGN)).isEqualTo(new Written.Conflict(RoundState.PREPARING, 1));
        assertThat(log.decide(spec, Decision.COMMITTED, 0, REIGN, List.of(report("n1", "web", 1)), NO_REASON))
                .isEqualTo(new Written.Conflict(RoundState.PREPARING, 1));
        assertThat(log.decide(spec, Decision.COMMITTED, 1, REIGN, List.of(report("n1", "web", 1)), NO_REASON))
                .isEqualTo(new Written.Done(2));
    }

    @Test
    void touchOfAMissingRoundFencesOffAnOpeningOnItsWay() throws StoreUnreachableException {
        try (ZooKeeperStore other = SharedEnsemble.open(cluster, "n2")) {
            other.awaitReady(Duration.ofMinutes(1));
            int before = rounds(other).version();
            assertThat(log.touch(new RoundId("r1"), REIGN)).isInstanceOf(Written.Refused.class);
            assertThat(rounds(other).version())
                    .as("an opening prepared before names the older fence")
                    .isGreaterThan(before);
            assertThat(other.session().multi(List.of(Op.check(new Schema(cluster).rounds(), before))))
                    .isEqualTo(new Wire.Outcome.Failed(0, KeeperException.Code.BADVERSION));
            assertThat(log.open(checkpoint("r2", REIGN, "shop", "one", "web"))).isInstanceOf(Written.Done.class);
        }
    }

    private Wire.Data rounds(ZooKeeperStore other) throws StoreUnreachableException {
        return other.session().newest(new Schema(cluster).rounds()).orElseThrow();
    }

    @Test
    void staleReignCanDoNothing() throws StoreUnreachableException {
        RoundSpec spec = checkpoint("r1", REIGN, "shop", "one", "web");
        log.open(spec);
        Elections elections = new Elections();
        store.leadership().start(elections);
        Epoch now = elections.awaitElected();
        assertThat(now.value()).isPositive();

        assertThat(log.open(checkpoint("r2", REIGN, "blog", "one", "db"))).isEqualTo(new Written.StaleEpoch());
        assertThat(log.decide(spec, Decision.ABORTED, 0, REIGN, List.of(), NO_REASON))
                .isEqualTo(new Written.StaleEpoch());
        assertThat(log.touch(spec.id(), REIGN)).isEqualTo(new Written.StaleEpoch());
        assertThat(log.touch(new RoundId("none"), REIGN)).isEqualTo(new Written.StaleEpoch());
        assertThat(log.read(spec.id()).orElseThrow().version()).isZero();

        assertThat(log.decide(spec, Decision.ABORTED, 0, now, List.of(), NO_REASON))
                .as("the new reign ends the old one's round")
                .isEqualTo(new Written.Done(1));
        assertThat(log.close(spec, REIGN)).isEqualTo(new Written.StaleEpoch());
        assertThat(log.close(spec, now)).isInstanceOf(Written.Done.class);
    }

    @Test
    void voteIsWrittenOnce() throws StoreUnreachableException {
        RoundSpec spec = checkpoint("r1", REIGN, "shop", "one", "web");
        log.open(spec);
        Vote no = new Vote.No(NO_REASON);
        log.castVote(spec.id(), N1, no);
        log.castVote(spec.id(), N1, new Vote.Durable(report("n1", "web", 1)));
        assertThat(log.read(spec.id()).orElseThrow().votes()).isEqualTo(Map.of(N1, no));
    }

    @Test
    void revertNeedsItsCheckpointAndMakesItCurrent() throws StoreUnreachableException {
        store.catalogue().addToGroup(new Name("shop"), new Name("web"));
        assertThat(log.open(revert("r0", REIGN, "shop", "one", "web")))
                .isInstanceOfSatisfying(
                        Written.Refused.class,
                        missing -> assertThat(missing.because().kind()).isEqualTo(Refusal.Kind.PREFLIGHT));
        commit("r1", "one");
        commit("r2", "two");
        assertThat(current()).contains(new Name("two"));
        RoundSpec back = revert("r3", REIGN, "shop", "one", "web");
        assertThat(log.open(back)).isInstanceOf(Written.Done.class);
        assertThat(log.decide(back, Decision.COMMITTED, 0, REIGN, List.of(), NO_REASON))
                .isInstanceOf(Written.Done.class);
        assertThat(log.close(back, REIGN)).isInstanceOf(Written.Done.class);
        assertThat(current()).contains(new Name("one"));
    }

    @Test
    void commitmentThatCannotBeWrittenIsRefusedForGoodAndTheRoundCanBeAborted() throws StoreUnreachableException {
        store.catalogue().addToGroup(new Name("shop"), new Name("web"));
        RoundSpec taken = checkpoint("r1", REIGN, "shop", "one", "web");
        assertThat(log.open(taken)).isInstanceOf(Written.Done.class);
        Schema schema = store.session().schema();
        assertThat(store.session().ensure(schema.checkpoint(taken.group(), taken.checkpoint()), new byte[0]))
                .isTrue();

        assertThat(log.decide(taken, Decision.COMMITTED, 0, REIGN, List.of(report("n1", "web", 1)), NO_REASON))
                .isInstanceOfSatisfying(
                        Written.Refused.class,
                        refused -> assertThat(refused.because().text()).contains("shop@one already"));

        assertThat(log.decide(taken, Decision.ABORTED, 0, REIGN, List.of(), NO_REASON))
                .isEqualTo(new Written.Done(1));
        assertThat(log.close(taken, REIGN)).isInstanceOf(Written.Done.class);

        RoundSpec orphan = checkpoint("r2", REIGN, "shop", "two", "web");
        assertThat(log.open(orphan)).isInstanceOf(Written.Done.class);
        assertThat(store.session()
                        .multi(List.of(
                                Op.delete(schema.checkpoint(taken.group(), taken.checkpoint()), -1),
                                Op.delete(schema.timeline(orphan.group()), -1))))
                .isEqualTo(new Wire.Outcome.Done());
        assertThat(log.decide(orphan, Decision.COMMITTED, 0, REIGN, List.of(report("n1", "web", 1)), NO_REASON))
                .isInstanceOfSatisfying(
                        Written.Refused.class,
                        refused -> assertThat(refused.because().text())
                                .contains("somebody removed it while the round was under way"));
    }

    @Test
    void aClaimThatNamesNoRoundRefusesLikeAnyOther() throws StoreUnreachableException {
        Schema schema = store.session().schema();
        store.session().ensure(schema.claim(new Name("db")), "?".getBytes(StandardCharsets.UTF_8));
        assertThat(log.open(checkpoint("r1", REIGN, "shop", "one", "web", "db")))
                .isInstanceOfSatisfying(
                        Written.Refused.class,
                        busy -> assertThat(busy.because().text()).contains("db is held by something that is no round"));
    }

    @Test
    void roundThatCannotBeReadIsPassedOverAndTold() throws StoreUnreachableException {
        Schema schema = store.session().schema();
        RoundSpec good = checkpoint("r5", REIGN, "shop", "one", "web");
        RoundId damaged = new RoundId("r1");
        store.session().ensure(schema.round(damaged), "{".getBytes(StandardCharsets.UTF_8));
        store.session().ensure(schema.rounds() + "/-no-id", new byte[0]);
        store.session().ensure(schema.claim(new Name("db")), "r1".getBytes(StandardCharsets.UTF_8));
        Map<RoundId, RoundView> seen = new ConcurrentHashMap<>();
        log.watch(N1, view -> seen.put(view.spec().id(), view));

        assertThat(log.open(good)).isInstanceOf(Written.Done.class);

        assertThat(log.rounds()).extracting(view -> view.spec().id()).containsExactly(good.id());
        await(() -> seen.containsKey(good.id()));
        assertThat(log.unreadable())
                .hasSize(2)
                .anySatisfy(text -> assertThat(text)
                        .contains(schema.round(damaged), "cannot be read", "passed over", "docs/operations.md"));
        assertThatThrownBy(() -> log.read(damaged))
                .as("no record is not the same as one that cannot be read")
                .isInstanceOf(StoreUnreachableException.class);
        assertThat(log.open(checkpoint("r6", REIGN, "shop", "two", "db")))
                .isInstanceOfSatisfying(
                        Written.Refused.class,
                        busy -> assertThat(busy.because().text()).contains("db is held by round r1", "cluster status"));

        store.session()
                .multi(List.of(
                        Op.delete(schema.round(damaged), -1),
                        Op.delete(schema.rounds() + "/-no-id", -1),
                        Op.delete(schema.claim(new Name("db")), -1)));
        assertThat(log.rounds()).hasSize(1);
        assertThat(log.unreadable()).isEmpty();
    }

    private Optional<Name> current() throws StoreUnreachableException {
        return store.catalogue().group(new Name("shop")).orElseThrow().current();
    }

    private void commit(String id, String name) {
        RoundSpec spec = checkpoint(id, REIGN, "shop", name, "web");
        assertThat(log.open(spec)).isInstanceOf(Written.Done.class);
        assertThat(log.decide(spec, Decision.COMMITTED, 0, REIGN, List.of(report("n1", "web", 1)), NO_REASON))
                .isInstanceOf(Written.Done.class);
        assertThat(log.close(spec, REIGN)).isInstanceOf(Written.Done.class);
    }

    private static void await(java.util.concurrent.Callable<Boolean> condition) {
        Awaitility.await()
                .atMost(Duration.ofMinutes(1))
                .pollInterval(Duration.ofMillis(10))
                .until(condition);
    }
}
