package dev.holdfast.coordinator.zookeeper;

import static dev.holdfast.coordinator.zookeeper.Rounds.NO_REASON;
import static dev.holdfast.coordinator.zookeeper.Rounds.checkpoint;
import static dev.holdfast.coordinator.zookeeper.Rounds.report;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.coordinator.port.DecisionLog.Written;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.MemberReport;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.RoundState;
import dev.holdfast.coordinator.protocol.RoundView;
import dev.holdfast.coordinator.protocol.Vote;
import dev.holdfast.coordinator.walls.BesideOthers;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.apache.curator.framework.CuratorFramework;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

@BesideOthers
class RoundWatchTest extends OnOneStore {

    @Test
    void watchShowsRoundsOpenedBeforeAndToTheLeaderEveryLastState() throws StoreUnreachableException {
        RoundSpec before = checkpoint("r1", REIGN, "shop", "one", "web");
        log.open(before);
        try (ZooKeeperStore other = SharedEnsemble.open(cluster, "n2")) {
            Elections elections = new Elections();
            other.leadership().start(elections);
            Epoch reign = elections.awaitElected();
            Map<RoundId, RoundView> seen = new ConcurrentHashMap<>();
            other.decisions().watch(N2, view -> seen.put(view.spec().id(), view));
            await(() -> seen.containsKey(before.id()));

            RoundSpec after = checkpoint("r2", reign, "blog", "one", "db", "cache");
            log.open(after);
            await(() -> seen.containsKey(after.id()));
            log.sayReady(after.id(), N1);
            await(() -> seen.get(after.id()).ready().contains(N1));
            log.castVote(after.id(), N2, new Vote.No(NO_REASON));
            await(() -> seen.get(after.id()).votes().containsKey(N2));
            log.decide(after, Decision.ABORTED, 0, reign, List.of(), NO_REASON);
            await(() -> seen.get(after.id()).state() == RoundState.ABORTED);
            log.acknowledge(after.id(), N1);
            await(() -> seen.get(after.id()).acknowledged().contains(N1));
        }
    }

    @Test
    void watchShowsWhoDoesNotLeadThatARoundIsThereAndHowItIsDecided() throws StoreUnreachableException {
        try (ZooKeeperStore other = SharedEnsemble.open(cluster, "n2")) {
            Map<RoundId, RoundView> seen = new ConcurrentHashMap<>();
            other.decisions().watch(N2, view -> seen.put(view.spec().id(), view));
            RoundSpec spec = checkpoint("r1", REIGN, "shop", "one", "web", "db");
            log.open(spec);
            await(() -> seen.containsKey(spec.id()));
            log.castVote(spec.id(), N1, new Vote.No(NO_REASON));
            log.decide(spec, Decision.ABORTED, 0, REIGN, List.of(), NO_REASON);
            await(() -> seen.get(spec.id()).state() == RoundState.ABORTED);
        }
    }

    @Test
    void whoComesIntoOfficeIsShownWhatMembersSaidBeforeAndSayFromThenOn() throws StoreUnreachableException {
        try (ZooKeeperStore other = SharedEnsemble.open(cluster, "n2")) {
            Map<RoundId, RoundView> seen = new ConcurrentHashMap<>();
            other.decisions().watch(N2, view -> seen.put(view.spec().id(), view));
            RoundSpec spec = checkpoint("r1", REIGN, "shop", "one", "web");
            RoundSpec its = checkpoint("r2", REIGN, "blog", "one", "db", "cache");
            log.open(spec);
            log.open(its);
            await(() -> seen.containsKey(its.id()));
            log.sayReady(spec.id(), N1);
            assertThat(seen).as("it takes no part in the other one").containsOnlyKeys(its.id());
            other.leadership().start(new Elections());
            await(() ->
                    seen.containsKey(spec.id()) && seen.get(spec.id()).ready().contains(N1));
            log.castVote(spec.id(), N1, new Vote.No(NO_REASON));
            await(() -> seen.get(spec.id()).votes().containsKey(N1));
            log.castVote(spec.id(), N2, new Vote.No(NO_REASON));
            await(() -> seen.get(spec.id()).votes().containsKey(N2));
        }
    }

    /** It shows of the votes only this node's own, and whoever is in office takes it for all there are. */
    @Test
    void aViewThatWasReadBeforeThisNodeCameIntoOfficeIsNotToldAfterwards() throws StoreUnreachableException {
        RoundSpec spec = checkpoint("r1", REIGN, "shop", "one", "web", "db");
        log.open(spec);
        log.castVote(spec.id(), N1, new Vote.No(NO_REASON));
        // Elected while the round is read for the first time.
        AtomicInteger asked = new AtomicInteger();
        List<RoundView> told = new CopyOnWriteArrayList<>();
        try (CuratorFramework curator = ZooKeeperStore.client(
                        SharedEnsemble.settings(SharedEnsemble.get().connect(), cluster, "n2"));
                RoundWatch watch = new RoundWatch(
                        store.session(),
                        new RoundReader(store.session()),
                        curator,
                        () -> asked.getAndIncrement() > 0)) {
            curator.start();
            watch.begin(N2, told::add);
            await(() -> !told.isEmpty());
            assertThat(told.get(0).votes()).containsKey(N1);
        }
    }

    @Test
    void aRecordThatZooKeeperWouldNotTakeIsRefusedWithTheReason() {
        String[] many = IntStream.range(0, 8_000)
                .mapToObj("a-machine-with-a-long-name-%d"::formatted)
                .toArray(String[]::new);
        assertThat(log.open(checkpoint("r1", REIGN, "shop", "one", many)))
                .isInstanceOfSatisfying(
                        Written.Refused.class,
                        refused -> assertThat(refused.because().text()).contains("smaller groups"));

        RoundSpec spec = checkpoint("r2", REIGN, "shop", "one", "web");
        assertThat(log.open(spec)).isInstanceOf(Written.Done.class);
        List<MemberReport> reports = IntStream.range(0, 5_000)
                .mapToObj(i -> report("n1", "web-" + i, 1))
                .toList();
        assertThat(log.decide(spec, Decision.COMMITTED, 0, REIGN, reports, NO_REASON))
                .isInstanceOfSatisfying(
                        Written.Refused.class,
                        refused -> assertThat(refused.because().text()).contains("smaller groups"));
    }

    private static void await(java.util.concurrent.Callable<Boolean> condition) {
        Awaitility.await()
                .atMost(Duration.ofMinutes(1))
                .pollInterval(Duration.ofMillis(10))
                .until(condition);
    }
}
