package dev.holdfast.agent.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.hypervisor.replication.EpochContent;
import dev.holdfast.agent.hypervisor.replication.EpochEnd;
import dev.holdfast.agent.hypervisor.replication.EpochEnd.Outcome;
import dev.holdfast.agent.hypervisor.replication.EpochLimits;
import dev.holdfast.agent.hypervisor.replication.Primary;
import dev.holdfast.agent.hypervisor.replication.StandbyLink;
import dev.holdfast.agent.hypervisor.replication.StandbyPlace;
import dev.holdfast.agent.hypervisor.replication.Standstill;
import dev.holdfast.agent.tunnel.Threshold;
import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.agent.vm.Unreadable;
import dev.holdfast.agent.vm.VmRegistry;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Copy;
import dev.holdfast.coordinator.replication.Policy;
import dev.holdfast.coordinator.replication.ReplicaEvent;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a primary concludes from how its epochs end; the standby's agent answers through real sockets. */
class PrimarySideTest implements PeerCalls, Primary, Standstill, LagGuard {
    private static final Copy PEER = new Copy(new Name("n2"), new Name("c1"));
    private static final Duration SECOND = Duration.ofSeconds(1);
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    private final ManualThread thread = new ManualThread();
    private final List<ReplicaEvent> events = Collections.synchronizedList(new ArrayList<>());
    private final Deque<EpochEnd> ends = new ArrayDeque<>();
    private final List<Copy> voided = new ArrayList<>();
    private Optional<HypervisorException> failure = Optional.empty();
    private boolean complete = true;
    private int asked;
    private boolean attached;
    private int detached;
    private int cuts;
    private String guarded = "";
    private boolean stops;
    private boolean hangs;
    private boolean fired;
    private Duration passed = Duration.ZERO;
    private Optional<EpochLimits> limits = Optional.empty();
    private boolean boundPasses;
    private final List<Duration> bounds = new ArrayList<>();
    private int guardFails;
    private Path home;
    private FakeWorld world;
    private Guest guest;
    private StandbyDoorway doorway;
    private PrimarySide side;

    @BeforeEach
    void open() throws Exception {
        home = Files.createTempDirectory(Path.of("/tmp"), "hf");
        Rig.Node node = new Rig.Node(home);
        world = node.world;
        world.sender = this;
        doorway = StandbyDoorway.open(
                new StandbyPlace(home),
                (order, epoch, patience) -> {},
                epoch -> {
                    throw new AssertionError("no memory is sent");
                },
                new Threshold("127.0.0.1", Optional.empty()));
        VmRegistry vms = new VmRegistry(
                Map.of(node.definition, Optional.empty()), Unreadable.NONE, world, new VmRegistry.Listener() {
                    @Override
                    public void onProcess(ManagedVm vm, dev.holdfast.agent.hypervisor.RunningVm process) {}

                    @Override
                    public void onGone(ManagedVm vm) {}
                });
        guest = new Guest(vms.get(node.definition.name()), vms, world, Guest.Start::start, node.run);
        guest.startCold();
        ReplicaPlan plan = new ReplicaPlan(
                EpochContent.MEMORY_AND_DISKS,
                Policy.pause(),
                List.of(),
                SECOND,
                SECOND,
                Duration.ofSeconds(20),
                0,
                home.resolve("place"));
        LagBound bound = new LagBound(this, guest, thread, events::add, this::nanos);
        side = new PrimarySide(
                plan,
                new PrimarySide.Tools(guest, this, home, thread, thread, this::nanos, this, bound),
                events::add,
                () -> {});
    }

    @AfterEach
    void close() throws IOException {
        side.dropLink();
        doorway.close();
        try (var files = Files.walk(home)) {
            for (Path file : files.sorted(Collections.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    private long nanos() {
        return System.nanoTime() + passed.toNanos();
    }

    private void seeded() {
        side.seed(PEER, 1);
        thread.runAll();
        assertThat(events).containsExactly(new ReplicaEvent.SeedReady());
        events.clear();
    }

    private void ends(Outcome outcome) {
        ends.add(new EpochEnd(5, outcome, "so", Duration.ZERO, Duration.ofMillis(10), 1));
    }

    private void send() {
        side.send(PEER, 5, false);
        thread.runAll();
        assertThat(side.isBusy()).isFalse();
    }

    @Test
    void aCommitIsToldAndWhenItWas() {
        seeded();
        ends(Outcome.COMMITTED);
        send();
        assertThat(events).containsExactly(new ReplicaEvent.StandbyAt(PEER, 5));
        assertThat(side.since(5)).hasValueSatisfying(age -> assertThat(age).isLessThan(Duration.ofMinutes(1)));
        assertThat(side.since(4)).isEmpty();
    }

    @Test
    void anEpochThatWasGivenUpIsToldLaterUnlessWritesWereLost() {
        seeded();
        ends(Outcome.ABORTED);
        send();
        assertThat(events).containsExactly(new ReplicaEvent.StandbyAt(PEER, 4));
        assertThat(thread.delays()).isEqualTo(1);

        events.clear();
        complete = false;
        ends(Outcome.ABORTED);
        send();
        assertThat(events).containsExactly(new ReplicaEvent.StandbyLost(PEER));
    }

    private void hold() {
        try {
            side.hold();
        } catch (NotYetException e) {
            throw new AssertionError(e);
        }
    }

    private void givenUp(int times) {
        for (int i = 0; i < times; i++) {
            ends(Outcome.ABORTED);
            send();
        }
    }

    @Test
    void aStandbyThatTakesNoEpochFromAGuestThatStandsStillIsLost() throws Exception {
        seeded();
        givenUp(2);
        hold();
        passed = Duration.ofMinutes(1);
        events.clear();
        givenUp(1);
        assertThat(events).containsExactly(new ReplicaEvent.StandbyLost(PEER));
        assertThat(side.problem()).contains("takes no epoch");
        side.letGo();
    }

    @Test
    void aNodeThatNeverTakesTheFirstEpochIsGivenUpMuchLater() {
        seeded();
        for (int i = 0; i < 10; i++) {
            passed = passed.plusSeconds(10);
            assertThat(events).doesNotContain(new ReplicaEvent.StandbyLost(PEER));
            ends.add(new EpochEnd(1, Outcome.ABORTED, "so", Duration.ZERO, Duration.ofMillis(10), 1));
            side.send(PEER, 1, false);
            thread.runAll();
        }
        assertThat(events).endsWith(new ReplicaEvent.StandbyLost(PEER));
    }

    @Test
    void aGuestThatChangesItsMemoryTooFastDoesNotLoseItsStandbyForThat() {
        seeded();
        for (int i = 0; i < 20; i++) {
            passed = passed.plusSeconds(10);
            givenUp(1);
        }
        assertThat(events).hasSize(20).containsOnly(new ReplicaEvent.StandbyAt(PEER, 4));
    }

    @Test
    void aStandbyThatCouldNotBeTakenOffDoesNotBarTheNextOne() throws Exception {
        seeded();
        failure = Optional.of(new HypervisorException(HypervisorException.Kind.REFUSED, "not now"));
        side.detach();
        assertThat(attached).isTrue();
        failure = Optional.empty();
        detached = 0;
        seeded();
        assertThat(detached).isEqualTo(1);
    }

    @Test
    void oneCommitMakesUpForWhatWasGivenUp() {
        seeded();
        hold();
        givenUp(2);
        passed = Duration.ofMinutes(1);
        ends(Outcome.COMMITTED);
        send();
        events.clear();
        givenUp(1);
        assertThat(events).containsExactly(new ReplicaEvent.StandbyAt(PEER, 4));
    }

    @Test
    void whoWaitsForTheLastEpochDoesNotWaitUntilTheNextOneIsDue() {
        seeded();
        thread.keepsDelayed = true;
        ends(Outcome.ABORTED);
        send();
        assertThat(events).isEmpty();
        side.hurry();
        side.hurry();
        assertThat(events).containsExactly(new ReplicaEvent.StandbyAt(PEER, 4));
        thread.keepsDelayed = false;
        thread.runAll();
        assertThat(events).hasSize(1);
    }

    @Test
    void theEpochOfAGuestThatStandsStillHasTheTimeItNeeds() {
        seeded();
        ends(Outcome.COMMITTED);
        send();
        Duration usual = limits.orElseThrow().length();
        hold();
        ends(Outcome.COMMITTED);
        send();
        assertThat(limits.orElseThrow().length()).isGreaterThan(usual).isGreaterThanOrEqualTo(Duration.ofSeconds(30));
    }

    @Test
    void aBoundThatPassesDuringAnEpochHoldsTheGuestAlsoWhenTheEpochIsGivenUp() {
        seeded();
        boundPasses = true;
        givenUp(1);
        assertThat(world.runs()).isFalse();
        assertThat(side.isHeld()).isTrue();
    }

    private int boundsAfter(long epoch, boolean last) {
        ends.add(new EpochEnd(epoch, Outcome.COMMITTED, "", Duration.ZERO, Duration.ofMillis(10), 1));
        side.send(PEER, epoch, last);
        thread.runAll();
        assertThat(events).endsWith(new ReplicaEvent.StandbyAt(PEER, epoch));
        return bounds.size();
    }

    @Test
    void noGuestRunsOnAfterAnEpochWithoutABound() {
        seeded();
        assertThat(boundsAfter(1, false)).as("there was none before").isEqualTo(1);
        assertThat(bounds).containsExactly(side.farthest());
        assertThat(boundsAfter(2, false))
                .as("that of the epoch before is in force")
                .isEqualTo(1);
        passed = Duration.ofMinutes(1);
        guardFails = 2;
        assertThat(boundsAfter(3, false)).as("it has passed").isEqualTo(2);
        passed = Duration.ofMinutes(2);
        assertThat(boundsAfter(4, true)).as("the guest does not run").isEqualTo(2);
    }

    @Test
    void noGuestStandsStillAgainForAGuardThatWasWaitedForInVain() {
        seeded();
        guardFails = 1000;
        boundsAfter(1, false);
        int failed = guardFails;
        assertThat(failed).isLessThan(1000);
        passed = Duration.ofMinutes(1);
        boundsAfter(2, false);
        assertThat(guardFails).isEqualTo(failed);
    }

    @Test
    void aStandbyWhoseFirstEpochTakesLongerThanLaterOnesMayIsRefusedBeforeItIsInTheSet() {
        seeded();
        ends.add(new EpochEnd(1, Outcome.COMMITTED, "", Duration.ZERO, Duration.ofSeconds(35), 1));
        side.send(PEER, 1, false);
        thread.runAll();
        assertThat(events).containsExactly(new ReplicaEvent.StandbyLost(PEER));
        assertThat(voided).containsExactly(PEER);
        assertThat(side.problem()).contains("first epoch took 35 s");
    }

    @Test
    void aCommitWithoutAnAnswerIsAskedForAgain() {
        seeded();
        ends(Outcome.UNDECIDED);
        ends(Outcome.UNDECIDED);
        ends(Outcome.COMMITTED);
        send();
        assertThat(asked).isEqualTo(2);
        assertThat(events).containsExactly(new ReplicaEvent.StandbyAt(PEER, 5));
    }

    @Test
    void aGuestThatCrashesDoesNotLoseItsStandby() {
        seeded();
        failure = Optional.of(new HypervisorException(Kind.GONE, "it is gone"));
        world.crash();
        send();
        assertThat(events).isEmpty();
    }

    @Test
    void aGuestThatHasPanickedOrMetADiskErrorIsNotSentElsewhere() {
        assertThat(guest.canHandOver()).isTrue();
        for (VmStatus status : List.of(VmStatus.GUEST_ENDED, VmStatus.IO_ERROR)) {
            world.broken = status;
            assertThat(guest.canHandOver()).isFalse();
        }
    }

    @Test
    void aStandbyToWhichNothingLeadsIsLost() {
        send();
        assertThat(events).containsExactly(new ReplicaEvent.StandbyLost(PEER));
        assertThat(voided).as("it may be in the set").isEmpty();
    }

    @Test
    void aCopyThatDoesNotBecomeWholeIsTakenBack() {
        failure = Optional.of(new HypervisorException(Kind.FAILED, "no room"));
        side.seed(PEER, 1);
        thread.runAll();
        assertThat(events).containsExactly(new ReplicaEvent.StandbyLost(PEER));
        assertThat(voided).containsExactly(PEER);
        assertThat(side.problem()).isEqualTo("no room");
    }

    @Test
    void aStopForAStandbyThatDoesNotCountYetIsGuardedAndHasAnEnd() throws Exception {
        stops = true;
        seeded();
        assertThat(guarded).isEqualTo("()");
        assertThat(cuts).isZero();
        ends(Outcome.COMMITTED);
        side.send(PEER, 1, false);
        thread.runAll();
        assertThat(guarded).as("the first epoch").isEqualTo("()()");
        ends(Outcome.COMMITTED);
        send();
        assertThat(guarded).as("the next one is in the record").isEqualTo("()()");

        attached = false;
        hangs = true;
        attached = false;
        failure = Optional.of(new HypervisorException(Kind.FAILED, "it was cut"));
        side.seed(PEER, 1);
        thread.runAll();
        assertThat(cuts).isPositive();
        assertThat(guarded).isEqualTo("()()()");
    }

    @Test
    void aGuestThatWasLetRunInTheMiddleOfItsFirstEpochHasNoStandby() throws Exception {
        seeded();
        fired = true;
        ends(Outcome.COMMITTED);
        side.send(PEER, 1, false);
        thread.runAll();
        assertThat(events).containsExactly(new ReplicaEvent.StandbyLost(PEER));
    }

    @Override
    public boolean isReady(Name node) {
        return true;
    }

    @Override
    public PeerLink.Opening offer(Copy copy, long generation) {
        return doorway.opening();
    }

    @Override
    public void tellVoid(Copy copy) {
        voided.add(copy);
    }

    private void fail() throws HypervisorException {
        if (failure.isPresent()) {
            throw failure.get();
        }
    }

    @Override
    public void attach(StandbyLink standby, long bytesPerSecond, Progress progress, Standstill stop)
            throws HypervisorException {
        if (stops) {
            stop.begins(Duration.ofSeconds(10));
            if (hangs) {
                thread.runAll();
            }
        }
        fail();
        attached = true;
        if (stops) {
            stop.over();
        }
    }

    @Override
    public boolean isAttached() {
        return attached;
    }

    @Override
    public boolean isComplete() {
        return complete;
    }

    @Override
    public EpochEnd epoch(StandbyLink standby, long epoch, EpochLimits limits) throws HypervisorException {
        fail();
        this.limits = Optional.of(limits);
        if (boundPasses) {
            hold();
            // The end of an epoch that is given up lets the guest run.
            world.release();
        }
        if (ends.getFirst().outcome() == Outcome.COMMITTED) {
            // The guest runs as soon as this returns.
            standby.commit(epoch, PATIENCE);
        }
        return ends.remove();
    }

    @Override
    public boolean shutDown(Duration patience) {
        return false;
    }

    @Override
    public void startAnew() {}

    @Override
    public EpochEnd lastEpoch(StandbyLink standby, long epoch, EpochLimits limits) throws HypervisorException {
        return epoch(standby, epoch, limits);
    }

    @Override
    public EpochEnd commitAgain(StandbyLink standby, long epoch, EpochLimits limits) {
        asked++;
        return ends.remove();
    }

    @Override
    public void begins(Duration longest) {
        guarded += "(";
    }

    @Override
    public void over() throws HypervisorException {
        boolean open = guarded.endsWith("(");
        guarded += open ? ")" : "";
        if (open && fired) {
            throw new HypervisorException(Kind.FAILED, "the guard has let it run");
        }
    }

    @Override
    public void arm(Duration after) throws IOException {
        if (guardFails-- > 0) {
            throw new IOException("it does not answer");
        }
        bounds.add(after);
    }

    @Override
    public void disarm() {}

    @Override
    public void endCapture(Duration bound) {}

    @Override
    public void cut() {
        cuts++;
    }

    @Override
    public void detach(Duration bound) throws HypervisorException {
        fail();
        attached = false;
        detached++;
    }
}
