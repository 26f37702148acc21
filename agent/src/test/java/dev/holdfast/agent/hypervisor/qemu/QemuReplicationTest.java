package dev.holdfast.agent.hypervisor.qemu;

import static dev.holdfast.agent.hypervisor.qemu.ReplicaLab.VM;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.Capture;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.hypervisor.qemu.ReplicaLab.Printed;
import dev.holdfast.agent.hypervisor.replication.EpochContent;
import dev.holdfast.agent.hypervisor.replication.EpochEnd;
import dev.holdfast.agent.hypervisor.replication.EpochEnd.Outcome;
import dev.holdfast.agent.hypervisor.replication.EpochLimits;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Two and more QEMU processes of one machine on one host, as if each were on a node of its own. */
@Tag("qemu")
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class QemuReplicationTest {
    private static final int PATIENCE_MILLIS = 30_000;

    private final ExecutorService ahead = Executors.newSingleThreadExecutor();
    private ReplicaLab lab;

    @BeforeEach
    void open() throws Exception {
        lab = new ReplicaLab();
    }

    @AfterEach
    void close() throws Exception {
        ahead.shutdownNow();
        lab.close();
    }

    private void killThePrimaryAt(String where) {
        boolean streaming = where.equals("streaming");
        Disturbed standby = new Disturbed(lab.standby, streaming ? "begun" : where, () -> {
            if (streaming) {
                ahead.execute(() -> lab.killWhenMemoryComes());
            } else {
                lab.machine.kill();
            }
        });
        EpochLimits limits = streaming ? ReplicaLab.SLOW : ReplicaLab.LIMITS;
        assertThatThrownBy(() -> lab.primary.epoch(standby, ++lab.epoch, limits))
                .isInstanceOfSatisfying(
                        HypervisorException.class, e -> assertThat(e.kind()).isEqualTo(Kind.GONE));
    }

    @Test
    void goesOnFromTheLastEpochWhereverTheNextOneWasCutOffAndIsProtectedAgain() throws Exception {
        lab.follow();
        lab.epochs(5);
        for (String where : new String[] {"begun", "streaming", "sent", "committed"}) {
            lab.here.awaitTicks(VM, 5);
            long before = lab.epoch;
            killThePrimaryAt(where);
            Printed printed = Printed.by(lab.here);
            // An order to commit that was given is carried out, whether or not the one who gave it lives on.
            boolean ordered = where.equals("sent") || where.equals("committed");
            assertThat(lab.standby.committed()).hasValue(ordered ? lab.epoch : before);
            lab.failOver();
            if (ordered) {
                assertThat(ReplicaLab.firstTickAfter(printed, lab.here)).isEqualTo(printed.tick() + 1);
            } else {
                assertThat(ReplicaLab.firstTick(lab.here)).isLessThan(printed.tick());
            }
            lab.follow();
            lab.epochs(2);
        }
    }

    @Test
    void aStandbyThatWasStoppedGoesOnLaterFromItsLastEpochAndIsProtectedAgain() throws Exception {
        lab.follow();
        lab.epochs(2);
        lab.here.awaitTicks(VM, 5);
        lab.standby.rest(ReplicaLab.BOUND);
        lab.machine.kill();
        long tick = Printed.by(lab.here).tick();
        lab.wake();
        assertThat(ReplicaLab.firstTick(lab.here)).isLessThan(tick);
        lab.follow();
        lab.epochs(2);
    }

    @Test
    void anEpochThatIsGivenUpLeavesTheGuestRunningAndTheOneBeforeCommitted() throws Exception {
        lab.follow();
        lab.epochs(1);
        long committed = lab.epoch;
        Disturbed refuses = new Disturbed(lab.standby, "sent", () -> {
            throw new HypervisorException(Kind.REFUSED, "not now");
        });
        EpochEnd end = lab.primary.epoch(refuses, ++lab.epoch, ReplicaLab.LIMITS);
        assertThat(end.outcome()).isEqualTo(Outcome.ABORTED);
        assertThat(end.why()).isEqualTo("not now");
        lab.here.awaitTicks(VM, 5);
        EpochEnd late = lab.epoch(ReplicaLab.NEVER_READY);
        assertThat(late.outcome()).isEqualTo(Outcome.ABORTED);
        assertThat(late.why()).contains("faster than it goes over");
        lab.here.awaitTicks(VM, 5);
        assertThat(lab.standby.committed()).hasValue(committed);
        assertThatThrownBy(() -> lab.standby.failOver(lab.epoch)).hasMessageContaining("has not committed epoch");
        assertThat(lab.machine.disks()).allMatch(d -> d.active().startsWith(lab.here.root));
        lab.machine.kill();
        lab.failOver();
        assertThat(lab.machine.disks()).allMatch(d -> d.active().startsWith(lab.here.root.resolve("layers")));
    }

    @Test
    void aCommitWhoseAgentDiedIsCompletedByTheNextOneAndTheGuestStandsStillUntilThen() throws Exception {
        lab.follow();
        lab.epochs(1);
        Disturbed dies = new Disturbed(lab.standby, "sent", () -> {
            ((QemuStandby) lab.standby).prepare(lab.epoch, ReplicaLab.BOUND);
            lab.standby.close();
            throw new HypervisorException(Kind.UNKNOWN, "the agent does not answer");
        });
        EpochEnd end = lab.primary.epoch(dies, ++lab.epoch, ReplicaLab.LIMITS);
        assertThat(end.outcome()).isEqualTo(Outcome.UNDECIDED);
        assertThat(lab.machine.status()).isEqualTo(VmStatus.CAPTURED);
        Printed printed = Printed.by(lab.here);
        lab.findStandby();
        assertThat(lab.standby.committing()).hasValue(lab.epoch);
        EpochEnd again = lab.primary.commitAgain(lab.standby, lab.epoch, ReplicaLab.LIMITS);
        assertThat(again.outcome()).isEqualTo(Outcome.COMMITTED);
        lab.here.awaitTicks(VM, 5);
        lab.machine.kill();
        lab.standby.rollBack(ReplicaLab.BOUND);
        lab.failOver();
        assertThat(ReplicaLab.firstTickAfter(printed, lab.here)).isEqualTo(printed.tick() + 1);
    }

    @Test
    void aStandbyThatHangsIsCutOffAndTheGuestRunsOn() throws Exception {
        lab.follow();
        lab.epochs(1);
        Lab.signal(lab.standby.identity(), "STOP");
        assertThatThrownBy(() -> lab.standby.beat(Duration.ofMillis(500))).isInstanceOf(HypervisorException.class);
        lab.cutAndDetach();
        Lab.signal(lab.standby.identity(), "KILL");
        lab.follow();
        lab.epochs(1);

        // The guest is stopped for the switch-over and its writes do not end: QEMU answers nobody.
        Disturbed hangs = new Disturbed(lab.standby, "begun", () -> {
            Lab.signal(lab.standby.identity(), "STOP");
            ahead.execute(() -> lab.cutWhenItDoesNotBeat());
        });
        EpochEnd end = lab.primary.epoch(hangs, ++lab.epoch, ReplicaLab.LIMITS);
        assertThat(end.outcome()).isEqualTo(Outcome.ABORTED);
        lab.cutAndDetach();
        Lab.signal(lab.standby.identity(), "KILL");
        lab.follow();
        lab.epochs(1);

        // Told to commit, it does not answer: the guest waits for the decision.
        Disturbed mute = new Disturbed(lab.standby, "sent", () -> Lab.signal(lab.standby.identity(), "STOP"));
        EpochEnd open = lab.primary.epoch(mute, ++lab.epoch, ReplicaLab.IMPATIENT);
        assertThat(open.outcome()).isEqualTo(Outcome.UNDECIDED);
        assertThat(lab.machine.status()).isEqualTo(VmStatus.CAPTURED);
        lab.cutAndDetach();
    }

    @Test
    void aStandbyThatIsKilledIsNotNoticedByTheGuestAndNoEpochIsCommittedWithoutIt() throws Exception {
        lab.follow();
        lab.epochs(1);
        Lab.signal(lab.standby.identity(), "KILL");
        lab.here.awaitTicks(VM, 10);
        assertThat(lab.primary.isComplete()).isFalse();
        assertThat(lab.epoch(ReplicaLab.LIMITS).outcome()).isEqualTo(Outcome.ABORTED);
        lab.cutAndDetach();
        assertThat(lab.primary.isAttached()).isFalse();
    }

    @Test
    void aCaptureBetweenTwoEpochsIsOfOneMomentAndTheEpochsGoOn() throws Exception {
        lab.follow();
        lab.epochs(1);
        Map<String, Path> captured = Lab.active(lab.machine);
        Path memory = lab.here.root.resolve("memory");
        try (Capture capture =
                lab.machine.newCapture(lab.here.plan(lab.machine, CaptureMethod.BACKGROUND, memory, Lab.DEADLINE))) {
            Lab.throughFreeze(capture);
            capture.capture();
            capture.proveAndThaw();
            capture.drain(Progress.NONE);
        }
        lab.epochs(1);
        lab.machine.kill();
        lab.failOver();
        Lab restored = lab.node();
        VmDefinition definition = Lab.definition(VM, 64, restored.overlays(captured));
        restored.start(definition, StartMode.restore(memory)).resume();
        restored.awaitTicks(VM, 10);
    }

    /** A loaded machine may have written it all before it looks at the order to be slow. */
    private Capture captureThatTakesLong() throws Exception {
        for (int i = 0; i < 10; i++) {
            Path memory = lab.here.root.resolve("memory" + i);
            Capture capture =
                    lab.machine.newCapture(lab.here.plan(lab.machine, CaptureMethod.BACKGROUND, memory, Lab.DEADLINE));
            Lab.throughFreeze(capture);
            capture.capture();
            capture.proveAndThaw();
            Monitor monitor = ((QemuVm) lab.machine).monitor();
            monitor.call("migrate-set-parameters", Map.of("max-bandwidth", 1 << 16));
            if (Migration.isBusy(new Migration(monitor).query())) {
                return capture;
            }
            capture.drain(Progress.NONE);
            capture.close();
        }
        throw new AssertionError("each stream was complete before it could be slowed down");
    }

    @Test
    void aCaptureThatIsNotWrittenYetGivesWayToTheLastEpochAndNothingIsLost() throws Exception {
        lab.follow();
        lab.epochs(1);
        try (Capture capture = captureThatTakesLong()) {
            lab.here.awaitTicks(VM, 3);
            lab.primary.endCapture(ReplicaLab.BOUND);
            Printed printed = Printed.by(lab.here);
            assertThatThrownBy(() -> capture.drain(Progress.NONE)).hasMessageContaining("the memory stream ended");
            capture.abandon();
            EpochEnd last = lab.primary.lastEpoch(lab.standby, ++lab.epoch, ReplicaLab.LIMITS);
            assertThat(last.outcome()).as(last.why()).isEqualTo(Outcome.COMMITTED);
            lab.machine.kill();
            lab.failOver();
            assertThat(ReplicaLab.firstTickAfter(printed, lab.here)).isEqualTo(printed.tick() + 1);
        }
    }

    @ParameterizedTest
    @EnumSource
    void aPacketLeavesWhenItsEpochIsCommittedAndNeverIfThePrimaryDiesBefore(EpochContent content) throws Exception {
        lab.close();
        try (DatagramSocket outside = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
            VmDefinition.Nic nic = new VmDefinition.Nic("n0", datagrams(outside), "52:54:00:00:00:01");
            lab = new ReplicaLab(content, nic);
            lab.say();
            assertThat(comes(outside, PATIENCE_MILLIS)).isTrue();
            lab.follow();
            assertThat(lab.epoch(ReplicaLab.HOLDING).outcome()).isEqualTo(Outcome.COMMITTED);
            lab.say();
            Disturbed looks = new Disturbed(
                    lab.standby, "sent", () -> assertThat(comes(outside, 300)).isFalse());
            assertThat(lab.primary.epoch(looks, ++lab.epoch, ReplicaLab.HOLDING).outcome())
                    .isEqualTo(Outcome.COMMITTED);
            assertThat(comes(outside, PATIENCE_MILLIS)).isTrue();

            lab.say();
            Disturbed refuses = new Disturbed(lab.standby, "sent", () -> {
                throw new HypervisorException(Kind.REFUSED, "not now");
            });
            assertThat(lab.primary
                            .epoch(refuses, ++lab.epoch, ReplicaLab.HOLDING)
                            .outcome())
                    .isEqualTo(Outcome.ABORTED);
            assertThat(comes(outside, 300)).isFalse();
            lab.say();
            assertThat(lab.epoch(ReplicaLab.HOLDING).outcome()).isEqualTo(Outcome.COMMITTED);
            assertThat(comes(outside, PATIENCE_MILLIS)).isTrue();
            assertThat(comes(outside, PATIENCE_MILLIS)).isTrue();

            lab.say();
            lab.machine.kill();
            assertThat(comes(outside, 300)).isFalse();
            whatIsMissingOnThisNodeIsFoundWhileTheCopyIsStillOne(nic);
            lab.failOver();
        }
    }

    private void whatIsMissingOnThisNodeIsFoundWhileTheCopyIsStillOne(VmDefinition.Nic nic) throws Exception {
        int port = Integer.parseInt(nic.backend().substring(nic.backend().lastIndexOf(':') + 1));
        long epoch = lab.standby.committed().orElseThrow();
        try (DatagramSocket taken = new DatagramSocket(port, InetAddress.getLoopbackAddress())) {
            assertThat(taken.isBound()).isTrue();
            assertThatThrownBy(() -> lab.standby.failOver(epoch))
                    .isInstanceOfSatisfying(
                            HypervisorException.class, e -> assertThat(e.kind()).isEqualTo(Kind.REFUSED));
        }
    }

    private static String datagrams(DatagramSocket outside) throws IOException {
        try (DatagramSocket free = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
            return "socket,udp=127.0.0.1:%d,localaddr=127.0.0.1:%d"
                    .formatted(outside.getLocalPort(), free.getLocalPort());
        }
    }

    private static boolean comes(DatagramSocket outside, int millis) throws IOException {
        outside.setSoTimeout(millis);
        try {
            outside.receive(new DatagramPacket(new byte[2000], 2000));
            return true;
        } catch (SocketTimeoutException e) {
            return false;
        }
    }

    @Test
    void aGuestThatShutsDownIsToldFromOneThatCrashesAlsoByAnAgentThatWasNotThere() throws Exception {
        assertThat(lab.machine.hasShutDown()).isFalse();
        // What a guest does to switch its power off: PM1a_CNT gets SLP_EN.
        ((QemuVm) lab.machine).monitor().call("human-monitor-command", Map.of("command-line", "o /w 0x604 0x2000"));
        Awaitility.await().atMost(ReplicaLab.BOUND).until(lab.machine::hasShutDown);
        assertThat(lab.machine.isAlive()).isTrue();
        assertThat(lab.machine.status()).isEqualTo(VmStatus.GUEST_ENDED);
        lab.machine.close();
        RunningVm found = lab.here
                .hypervisor
                .find(lab.here.definition(VM), Optional.empty())
                .orElseThrow();
        assertThat(found.hasShutDown()).isTrue();
        assertThat(found.shutdown(Duration.ofMinutes(1))).isTrue();
        assertThat(found.identity().isAlive()).isFalse();
    }
}
