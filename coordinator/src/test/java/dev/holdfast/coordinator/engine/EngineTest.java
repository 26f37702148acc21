package dev.holdfast.coordinator.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.holdfast.coordinator.port.GroupChannel;
import dev.holdfast.coordinator.port.Timers;
import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.JournalEntry;
import dev.holdfast.coordinator.protocol.MemberReport;
import dev.holdfast.coordinator.protocol.Members;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.RoundOptions;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.RoundState;
import dev.holdfast.coordinator.protocol.Vote;
import dev.holdfast.coordinator.protocol.leader.Outcome;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class EngineTest {

    private static final Name N1 = new Name("n1");
    private static final Name N2 = new Name("n2");

    private final MemoryDecisionLog log = new MemoryDecisionLog();
    private final Map<Name, GroupChannel.Listener> hub = MemoryChannel.hub();
    private final ScheduledExecutorService clock = Executors.newScheduledThreadPool(1);
    private final Map<Name, Engine> engines = new HashMap<>();
    private final Map<Name, ScriptedSnapshotter> vms = new HashMap<>();
    private final Map<Name, MemoryJournal> journals = new HashMap<>();
    private final List<Throwable> contradictions = new ArrayList<>();
    /** How many times as fast as ours the clock of the engines runs that are started. */
    private int speed = 1;

    @BeforeEach
    void bringNodesUp() throws Exception {
        for (Name node : List.of(N1, N2)) {
            vms.put(node, new ScriptedSnapshotter(node));
            journals.put(node, new MemoryJournal());
            start(node);
        }
    }

    private void start(Name node) throws Exception {
        Timers timers = (delay, task) -> {
            ScheduledFuture<?> future = clock.schedule(task, delay.toMillis() / speed, TimeUnit.MILLISECONDS);
            return () -> future.cancel(false);
        };
        EnginePorts ports =
                new EnginePorts(log, new MemoryChannel(hub, node), journals.get(node), vms.get(node), timers);
        Engine engine = new Engine(node, ports, contradictions::add);
        engines.put(node, engine);
        hub.put(node, engine);
        engine.start();
    }

    @AfterEach
    void takeNodesDown() {
        engines.values().forEach(Engine::close);
        clock.shutdownNow();
        assertThat(contradictions).isEmpty();
    }

    private Epoch elect(Name node) {
        Epoch epoch = log.takeOffice(node);
        engines.get(node).onElected(epoch);
        return epoch;
    }

    static RoundSpec spec(String id, RoundKind kind, Epoch epoch) {
        SortedMap<Name, SortedSet<Name>> byNode = new TreeMap<>();
        byNode.put(N1, new TreeSet<>(List.of(new Name("web1"))));
        byNode.put(N2, new TreeSet<>(List.of(new Name("web2"))));
        RoundOptions options = new RoundOptions(
                Duration.ofMinutes(1),
                Duration.ofMinutes(1),
                Duration.ofMinutes(2),
                Duration.ZERO,
                RoundOptions.CaptureMethod.AUTO,
                RoundOptions.Quiesce.NO,
                false,
                "");
        return new RoundSpec(
                new RoundId(id),
                kind,
                epoch,
                new Name("shop"),
                new Name("c1"),
                Optional.empty(),
                new Members(byNode),
                options);
    }

    @Test
    void commitsWhenAllMembersAreDurableAndLeavesNothingBehind() throws Exception {
        RoundSpec spec = spec("r1", RoundKind.CHECKPOINT, elect(N1));
        Outcome outcome = engines.get(N1).run(spec).get(60, TimeUnit.SECONDS);

        assertThat(outcome.kind()).isEqualTo(Outcome.Kind.COMMITTED);
        await().until(log::isEmpty);
        for (Name node : List.of(N1, N2)) {
            assertThat(vms.get(node).calls)
                    .containsExactly("prepare", "freeze", "capture", "proveAndThaw", "drain", "carryOut COMMITTED");
            assertThat(journals.get(node).entries()).isEmpty();
        }
    }

    @Test
    void abortsWhenOneMemberCannotCaptureAndThawsBoth() throws Exception {
        vms.get(N2).failAt("capture", Refusal.failed("disk full"));
        RoundSpec spec = spec("r1", RoundKind.CHECKPOINT, elect(N1));
        Outcome outcome = engines.get(N1).run(spec).get(60, TimeUnit.SECONDS);

        assertThat(outcome.kind()).isEqualTo(Outcome.Kind.ABORTED);
        assertThat(outcome.because().orElseThrow().text()).contains("disk full");
        await().until(log::isEmpty);
        assertThat(vms.values()).noneMatch(vm -> vm.frozen);
        assertThat(vms.get(N2).calls).contains("thawNow", "carryOut ABORTED").doesNotContain("drain");
    }

    @Test
    void aRoundThatWritesMemoryIsGivenUpForWhoCannotWaitOnly() throws Exception {
        Epoch epoch = elect(N1);
        Name vm = new Name("web2");
        Refusal because = new Refusal(Refusal.Kind.CANCELLED, "it is to be demoted");
        vms.get(N2).draining = () -> engines.get(N2).giveWay(vm, because);
        Outcome waited =
                engines.get(N1).run(spec("r1", RoundKind.CHECKPOINT, epoch)).get(60, TimeUnit.SECONDS);
        assertThat(waited.kind()).isEqualTo(Outcome.Kind.COMMITTED);
        await().until(log::isEmpty);

        vms.get(N2).draining = () -> {
            engines.get(N2).giveBack(vm, because);
            await().until(() -> vms.get(N2).calls.contains("thawNow"));
        };
        Outcome outcome =
                engines.get(N1).run(spec("r2", RoundKind.CHECKPOINT, epoch)).get(60, TimeUnit.SECONDS);
        assertThat(outcome.kind()).isEqualTo(Outcome.Kind.ABORTED);
        assertThat(outcome.because().orElseThrow().text()).contains("it is to be demoted");
        await().until(log::isEmpty);
        assertThat(vms.values()).allMatch(one -> one.calls.contains("carryOut ABORTED"));
    }

    @Test
    void revertRunsNothingBeforeTheDecision() throws Exception {
        RoundSpec spec = spec("r1", RoundKind.REVERT, elect(N1));
        Outcome outcome = engines.get(N1).run(spec).get(60, TimeUnit.SECONDS);

        assertThat(outcome.kind()).isEqualTo(Outcome.Kind.COMMITTED);
        await().until(log::isEmpty);
        assertThat(vms.get(N1).calls)
                .containsExactly("prepare", "freeze", "loadBeside", "releaseGuard", "carryOut COMMITTED");
    }

    @Test
    void abortsWithTheReasonWhenTheStoreRefusesTheCommitment() throws Exception {
        log.refuseCommits(Refusal.failed("there is a checkpoint shop@c1 already"));
        RoundSpec spec = spec("r1", RoundKind.CHECKPOINT, elect(N1));

        Outcome outcome = engines.get(N1).run(spec).get(60, TimeUnit.SECONDS);

        assertThat(outcome.kind()).isEqualTo(Outcome.Kind.ABORTED);
        assertThat(outcome.because().orElseThrow().text()).contains("shop@c1 already");
        assertThat(log.decided(spec.id())).contains(RoundState.ABORTED);
        await().until(log::isEmpty);
    }

    @Test
    void newLeaderAbortsWhatTheOldOneLeftOpen() throws Exception {
        RoundSpec spec = spec("r1", RoundKind.CHECKPOINT, elect(N1));
        engines.get(N2).close();
        hub.remove(N2);
        engines.get(N1).run(spec);
        await().until(() -> log.read(spec.id()).isPresent()
                && log.read(spec.id()).orElseThrow().ready().contains(N1));
        engines.get(N1).onDeposed();
        start(N2);
        elect(N2);

        await().until(() -> log.decided(spec.id()).equals(Optional.of(RoundState.ABORTED)));
        await().until(log::isEmpty);
    }

    @Test
    void aMemberFoundWithVotedInItsJournalStaysInDoubtUntilItReadsTheDecision() throws Exception {
        RoundSpec spec = spec("r1", RoundKind.CHECKPOINT, log.takeOffice());
        engines.get(N2).close();
        hub.remove(N2);
        log.open(spec);
        journals.get(N2).write(JournalEntry.voted(spec, new MemberReport(N2, 0, "test", List.of())));
        start(N2);

        await().until(() -> log.read(spec.id()).orElseThrow().votes().containsKey(N2));
        assertThat(vms.get(N2).calls).isEmpty();
        log.decide(spec, Decision.ABORTED, 0, spec.epoch(), List.of(), Refusal.failed("test"));
        await().until(() -> vms.get(N2).calls.equals(List.of("carryOut ABORTED")));
    }

    private void putBack(RoundSpec spec, Optional<Refusal> waiting) throws Exception {
        waiting.ifPresent(because -> vms.get(N2).failAt("forget", because));
        journals.get(N2).write(JournalEntry.voted(spec, new MemberReport(N2, 0, "test", List.of())));
        speed = 50;
        start(N2);
    }

    @Test
    void anEntryThatWasPutBackWhenItsRoundWasOverIsForgottenUnlessSomethingWaitsForTheDecision() throws Exception {
        RoundSpec spec = spec("r1", RoundKind.REVERT, log.takeOffice());
        engines.get(N2).close();
        putBack(spec, Optional.of(Refusal.failed("web2 waits for it")));

        await().until(() -> vms.get(N2).calls.contains("forget"));
        assertThat(journals.get(N2).entries()).hasSize(1);
        vms.get(N2).heal();
        await().until(() -> journals.get(N2).entries().isEmpty());
        assertThat(vms.get(N2).calls).doesNotContain("carryOut COMMITTED", "carryOut ABORTED");
    }

    @Test
    void whatTheCatalogueHasIsMadeTrueAlthoughTheRecordIsGone() throws Exception {
        RoundSpec spec = spec("r1", RoundKind.CHECKPOINT, log.takeOffice());
        engines.values().forEach(Engine::close);
        log.open(spec);
        log.decide(spec, Decision.COMMITTED, 0, spec.epoch(), List.of(), Refusal.failed("test"));
        log.close(spec, spec.epoch());
        putBack(spec, Optional.empty());

        await().until(() -> journals.get(N2).entries().isEmpty());
        assertThat(vms.get(N2).calls).containsExactly("carryOut COMMITTED");
    }

    @Test
    void aNodeThatLostItsJournalMakesTheDecisionTrueBeforeItAcknowledges() throws Exception {
        RoundSpec spec = spec("r1", RoundKind.CHECKPOINT, log.takeOffice());
        engines.values().forEach(Engine::close);
        hub.remove(N2);
        log.open(spec);
        log.castVote(spec.id(), N2, new Vote.Durable(new MemberReport(N2, 0, "test", List.of())));
        log.decide(spec, Decision.COMMITTED, 0, spec.epoch(), List.of(), Refusal.failed("test"));
        vms.get(N2).failAt("carryOut COMMITTED", Refusal.failed("the disk is not there yet"));
        start(N2);

        await().until(() -> vms.get(N2).calls.contains("carryOut COMMITTED"));
        assertThat(log.read(spec.id()).orElseThrow().acknowledged()).doesNotContain(N2);
        vms.get(N2).heal();
        await().until(() -> log.read(spec.id())
                .map(view -> view.acknowledged().contains(N2))
                .orElse(true));
    }

    @Test
    void aVoteThatTheStoreDidNotTakeIsCastAgain() throws Exception {
        vms.get(N1).failAt("prepare", Refusal.preflight("no space"));
        RoundSpec spec = spec("r1", RoundKind.CHECKPOINT, log.takeOffice());
        log.open(spec);
        log.setReachable(false);
        await().until(() -> vms.get(N1).calls.contains("carryOut ABORTED"));
        log.setReachable(true);
        await().until(() ->
                log.read(spec.id()).map(view -> view.votes().containsKey(N1)).orElse(true));
    }
}
