package dev.holdfast.coordinator.zookeeper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.coordinator.port.DecisionLog;
import dev.holdfast.coordinator.port.DecisionLog.Written;
import dev.holdfast.coordinator.port.ReplicaStore.WriteOutcome;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.RoundState;
import dev.holdfast.coordinator.protocol.RoundView;
import dev.holdfast.coordinator.replication.ReplicationRecord;
import dev.holdfast.coordinator.replication.ReplicationRecord.Stored;
import dev.holdfast.coordinator.walls.BesideOthers;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What callers see when servers die. Each test leaves the ensemble whole. */
@BesideOthers
class OutageTest {

    private static final Epoch REIGN = new Epoch(0);
    private static final Duration READY = Duration.ofMinutes(1);
    /** The operation's bound, and what a busy machine adds. */
    private static final Duration LONGEST_CALL = Duration.ofSeconds(3);

    private static final Duration OPERATION = Duration.ofSeconds(1);

    /** Over before the servers are back. */
    private static final Duration SESSION = Duration.ofSeconds(4);

    private static final int WORKERS = 8;

    private final Ensemble ensemble = SharedEnsemble.get();
    private final Name cluster = SharedEnsemble.cluster();

    @AfterEach
    void heal() throws IOException {
        ensemble.heal();
    }

    /** What one round went through while the leading server was killed. */
    private record Fate(RoundSpec spec, boolean opened, boolean committed, int unknowns, Duration took) {}

    @Test
    void eachWriteDuringALeaderKillIsDoneOrUnknownAndTouchResolvesIt() throws Exception {
        try (ZooKeeperStore store = SharedEnsemble.open(cluster, "n1")) {
            store.awaitReady(READY);
            AtomicBoolean enough = new AtomicBoolean();
            AtomicInteger begun = new AtomicInteger();
            ExecutorService threads = Executors.newFixedThreadPool(WORKERS);
            List<Future<List<Fate>>> workers = new ArrayList<>();
            for (int worker = 0; worker < WORKERS; worker++) {
                String name = "w" + worker;
                workers.add(threads.submit(() -> rounds(store.decisions(), name, enough, begun)));
            }
            Awaitility.await().atMost(READY).until(() -> begun.get() > 30);
            ensemble.kill(ensemble.leader());
            int atKill = begun.get();
            Awaitility.await().atMost(READY).until(() -> begun.get() > atKill + 60);
            enough.set(true);
            Duration longest = Duration.ZERO;
            for (Future<List<Fate>> worker : workers) {
                for (Fate fate : worker.get()) {
                    longest = fate.took().compareTo(longest) > 0 ? fate.took() : longest;
                    assertThat(fate.opened()).as("%s", fate).isTrue();
                    assertThat(store.catalogue()
                                    .checkpoint(fate.spec().group(), fate.spec().checkpoint())
                                    .isPresent())
                            .as("%s", fate)
                            .isEqualTo(fate.committed());
                }
            }
            threads.shutdown();
            assertThat(longest).as("the kill was felt").isGreaterThan(Duration.ofMillis(100));
            assertThat(store.decisions().rounds()).as("nothing is left open").isEmpty();
        }
    }

    private static List<Fate> rounds(DecisionLog log, String worker, AtomicBoolean enough, AtomicInteger begun) {
        List<Fate> fates = new ArrayList<>();
        while (!enough.get()) {
            int number = begun.incrementAndGet();
            fates.add(oneRound(
                    log, Rounds.checkpoint("r" + number, REIGN, worker, "c" + number, worker), number % 2 == 0));
        }
        return fates;
    }

    /** As the leader's machine does it: after Unknown touch until there is an answer, then the same decision again. */
    private static Fate oneRound(DecisionLog log, RoundSpec spec, boolean commit) {
        int unknowns = 0;
        long begin = System.nanoTime();
        Written written = log.open(spec);
        while (written instanceof Written.Unknown
                || written instanceof Written.Refused refused
                        && refused.because().kind() == Refusal.Kind.STORE_UNREACHABLE) {
            unknowns++;
            written = log.touch(spec.id(), REIGN);
            if (written instanceof Written.Refused) {
                written = log.open(spec);
            }
        }
        boolean opened = written instanceof Written.Done
                || written instanceof Written.Conflict conflict && conflict.state() == RoundState.PREPARING;
        int version = written instanceof Written.Conflict conflict ? conflict.version() : 0;
        Decision decision = commit ? Decision.COMMITTED : Decision.ABORTED;
        boolean decided = false;
        while (!decided) {
            written = log.decide(
                    spec,
                    decision,
                    version,
                    REIGN,
                    List.of(Rounds.report("n1", spec.group().value(), version)),
                    Rounds.NO_REASON);
            while (written instanceof Written.Unknown) {
                unknowns++;
                written = log.touch(spec.id(), REIGN);
            }
            if (written instanceof Written.Conflict conflict) {
                version = conflict.version();
                decided = conflict.state() == RoundState.of(decision);
            } else {
                decided = written instanceof Written.Done;
            }
        }
        while (!(log.close(spec, REIGN) instanceof Written.Done)) {
            unknowns++;
        }
        return new Fate(spec, opened, commit, unknowns, Duration.ofNanos(System.nanoTime() - begin));
    }

    @Test
    void storeThatIsAwayAtStartIsAnErrorInTimeAndFoundLater() throws Exception {
        killAll();
        try (ZooKeeperStore store = impatient()) {
            AtomicInteger seen = new AtomicInteger();
            store.decisions().watch(new Name("n1"), view -> seen.incrementAndGet());
            Elections elections = new Elections();
            store.leadership().start(elections);

            assertUnreachable(() -> store.catalogue().groups());
            assertUnreachable(() -> store.queue().take(new Name("shop"), Duration.ZERO));
            assertUnreachable(() -> {
                store.nodes().publish(NodeRegistryTest.node("n1", "a"));
                return "published";
            });
            inTime(() -> assertThat(store.decisions().open(Rounds.checkpoint("r1", REIGN, "shop", "one", "web")))
                    .isInstanceOfSatisfying(
                            Written.Refused.class,
                            refused -> assertThat(refused.because().kind()).isEqualTo(Refusal.Kind.STORE_UNREACHABLE)));

            ensemble.heal();
            store.awaitReady(READY);
            Epoch reign = elections.awaitElected();
            Awaitility.await().atMost(READY).until(() -> store.nodes().nodes().size() == 1);
            assertThat(store.decisions().open(Rounds.checkpoint("r1", reign, "shop", "one", "web")))
                    .isInstanceOf(Written.Done.class);
            Awaitility.await().atMost(READY).until(() -> seen.get() > 0);
        }
    }

    @Test
    void storeLostInMidOperationIsUnknownOrUnreachableInTimeAndAllComesBack() throws Exception {
        try (ZooKeeperStore store = impatient()) {
            Map<RoundId, RoundView> seen = new ConcurrentHashMap<>();
            store.decisions().watch(new Name("n1"), view -> seen.put(view.spec().id(), view));
            store.nodes().publish(NodeRegistryTest.node("n1", "a"));
            Elections elections = new Elections();
            store.leadership().start(elections);
            Epoch before = elections.awaitElected();
            RoundSpec spec = Rounds.checkpoint("r1", before, "shop", "one", "web");
            assertThat(store.decisions().open(spec)).isInstanceOf(Written.Done.class);
            Name web = new Name("web");
            Set<Optional<Stored>> told = ConcurrentHashMap.newKeySet();
            store.replicas().watch(web, told::add);
            ReplicaStoreTest.answer(
                    store.replicas().write(web, ReplicationRecord.NO_VERSION, ReplicaStoreTest.record(1)));
            killAll();

            CompletionStage<WriteOutcome> replica = store.replicas().write(web, 0, ReplicaStoreTest.record(2));
            CompletionStage<Optional<Stored>> silent = store.replicas().read(web);
            inTime(() -> assertThat(
                            store.decisions().decide(spec, Decision.ABORTED, 0, before, List.of(), Rounds.NO_REASON))
                    .isInstanceOf(Written.Unknown.class));
            inTime(() -> assertThat(store.decisions().touch(spec.id(), before)).isInstanceOf(Written.Unknown.class));
            assertUnreachable(() -> store.decisions().read(spec.id()));
            assertUnreachable(() -> store.queue().take(new Name("shop"), Duration.ZERO));
            assertThat(ReplicaStoreTest.answer(replica)).isInstanceOf(WriteOutcome.Unknown.class);
            assertThatThrownBy(() -> ReplicaStoreTest.answer(silent))
                    .hasCauseInstanceOf(StoreUnreachableException.class);
            elections.awaitDeposed();
            told.clear();

            ensemble.heal();
            Epoch after = elections.awaitElected();
            assertThat(after).isGreaterThan(before);
            store.awaitReady(READY);
            Written found = store.decisions().touch(spec.id(), after);
            assertThat(found)
                    .isInstanceOfSatisfying(
                            Written.Conflict.class,
                            conflict -> assertThat(conflict.state()).isEqualTo(RoundState.PREPARING));
            store.decisions().sayReady(spec.id(), new Name("n1"));
            Awaitility.await()
                    .atMost(READY)
                    .until(() -> seen.containsKey(spec.id())
                            && seen.get(spec.id()).ready().contains(new Name("n1")));
            Awaitility.await()
                    .atMost(READY)
                    .until(() -> store.nodes().nodes().equals(List.of(NodeRegistryTest.node("n1", "a"))));
            assertThat(store.nodes().leader()).isEqualTo(Optional.of(new Name("n1")));
            Optional<Stored> newest = ReplicaStoreTest.answer(store.replicas().read(web));
            assertThat(newest).isPresent();
            Awaitility.await().atMost(READY).until(() -> told.contains(newest));
        }
    }

    private ZooKeeperStore impatient() {
        StoreSettings settings = new StoreSettings(
                ensemble.connect(),
                cluster,
                new Name("n1"),
                SharedEnsemble.CREDENTIALS,
                SESSION,
                OPERATION,
                true,
                Optional.empty());
        return SharedEnsemble.open(settings, new SharedEnsemble.Memory());
    }

    private void killAll() {
        for (int server = 0; server < 3; server++) {
            ensemble.kill(server);
        }
    }

    private static void assertUnreachable(Callable<?> call) {
        inTime(() -> assertThatThrownBy(call::call)
                .isInstanceOf(StoreUnreachableException.class)
                .hasMessageContaining("did not answer")
                .hasMessageContaining("Running machines are not affected"));
    }

    private static void inTime(Runnable call) {
        long begin = System.nanoTime();
        call.run();
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(LONGEST_CALL);
    }
}
