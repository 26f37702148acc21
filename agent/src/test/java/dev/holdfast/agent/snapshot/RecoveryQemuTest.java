package dev.holdfast.agent.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.FreezeFacts;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.ThawFacts;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.nio.file.Files;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Agents and machines that die in the middle of a round, with a real QEMU. */
@Tag("qemu")
@Timeout(value = 240, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RecoveryQemuTest {
    private static final Name ONE = new Name("one");

    private SnapshotLab lab;

    /** How far a round comes. */
    enum Phase {
        PREPARED,
        FROZEN,
        CAPTURED,
        THAWED,
        DRAINED
    }

    @BeforeEach
    void open() throws Exception {
        lab = lab();
        lab.start();
    }

    SnapshotLab lab() throws Exception {
        return new SnapshotLab();
    }

    @AfterEach
    void close() throws Exception {
        lab.close();
    }

    private SnapshotPhases goTo(Phase last, CaptureMethod method, String operation) throws Exception {
        SnapshotPhases phases = lab.snapshots().phases();
        SnapshotRequest asked = lab.request("one", method);
        phases.prepare(new SnapshotRequest(
                operation, asked.name(), asked.group(), method, asked.deadline(), asked.description()));
        if (last.compareTo(Phase.FROZEN) >= 0) {
            FreezeFacts freeze = phases.freeze();
            assertThat(freeze.atNanos()).isPositive();
        }
        if (last.compareTo(Phase.CAPTURED) >= 0) {
            phases.capture();
        }
        if (last.compareTo(Phase.THAWED) >= 0) {
            assertThat(phases.proveAndThaw().map(ThawFacts::stoodStill)).contains(true);
        }
        if (last.compareTo(Phase.DRAINED) >= 0) {
            phases.drain("no", Progress.NONE, Progress.NONE);
        }
        return phases;
    }

    /** The order to cut the disks goes out together with the order to stop, but for a method that has to do something in between. */
    private static boolean isCut(Phase last, CaptureMethod method) {
        return last.compareTo(method == CaptureMethod.LIVE ? Phase.CAPTURED : Phase.FROZEN) >= 0;
    }

    private void assertNothingLeftOf(boolean cut) throws Exception {
        assertThat(lab.files("layers")).hasSize(cut ? 4 : 2);
        assertNothingLeft();
    }

    private void assertNothingLeft() throws Exception {
        assertThat(lab.chain.intent()).isEmpty();
        assertThat(lab.files("snapshots")).isEmpty();
        assertThat(lab.chain.graph().problems()).isEmpty();
        lab.awaitTicks(5);
        lab.write(8, 4);
        SnapshotLab.assertReads(lab.chain.headFile("d1"), 8, 4);
        lab.createAfterAbandoned("next", CaptureMethod.AUTO);
        lab.kill();
        SnapshotLab.assertReads(lab.chain.headFile("d1"), 8, 4);
        lab.start();
        lab.revert("next");
        lab.awaitTicks(5);
    }

    @ParameterizedTest
    @EnumSource
    void aRoundThatIsVoidLeavesNothingAndTheGuestRuns(Phase last) throws Exception {
        SnapshotPhases phases = goTo(last, CaptureMethod.AUTO, "round-1");
        boolean cut = isCut(last, phases.method());
        phases.abandon("round-1");
        phases.abandon("round-1");
        assertThat(lab.files("lost")).isEmpty();
        assertNothingLeftOf(cut);
    }

    @ParameterizedTest
    @EnumSource
    void aRoundWhoseConnectionWasLostIsTakenBackOverAnotherOne(Phase last) throws Exception {
        SnapshotPhases phases = goTo(last, CaptureMethod.AUTO, "round-1");
        boolean cut = isCut(last, phases.method());
        lab.reconnect();
        phases.abandon("round-1");
        phases.abandon("round-1");
        if (last == Phase.FROZEN) {
            // QEMU forgets what it has not begun when a connection ends.
            assertThat(lab.files("layers")).hasSizeBetween(2, 4);
            assertNothingLeft();
        } else {
            assertNothingLeftOf(cut);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"PREPARED", "FROZEN", "CAPTURED"})
    void anotherThreadLetsTheGuestRunAtOnce(Phase last) throws Exception {
        SnapshotPhases phases = goTo(last, CaptureMethod.AUTO, "round-1");
        boolean cut = isCut(last, phases.method());
        phases.cutShort(SnapshotLab.DEADLINE);
        lab.awaitTicks(5);
        assertThatThrownBy(phases::capture).isInstanceOf(SnapshotException.class);
        phases.abandon("round-1");
        assertNothingLeftOf(cut);
    }

    @ParameterizedTest
    @EnumSource(names = {"PREPARED", "THAWED", "DRAINED"})
    void anAgentThatDiedTakesItsRoundBackOrPublishesItAsTheDecisionSays(Phase last) throws Exception {
        goTo(last, CaptureMethod.AUTO, "round-1");
        lab.reconnect();
        assertThat(lab.snapshots().recover(operation -> Fate.KEEP)).isEmpty();
        assertThat(lab.chain.intent()).isPresent();
        if (last == Phase.DRAINED) {
            lab.snapshots().phases().publish("round-1", ONE);
            lab.snapshots().phases().publish("round-1", ONE);
            assertThat(lab.snapshots().verify(ONE, Progress.NONE).problems()).isEmpty();
            lab.revert("one");
            lab.awaitTicks(5);
            return;
        }
        assertThat(lab.snapshots().recover(operation -> Fate.TAKE_BACK)).contains("round-1");
        assertThatThrownBy(() -> lab.snapshots().phases().publish("round-1", ONE))
                .hasMessageContaining("its parts are not in");
        assertNothingLeftOf(last != Phase.PREPARED);
    }

    @Test
    void aGuestThatWasFrozenWhenTheAgentDiedRunsAgainAfterSomebodyElseThawedIt() throws Exception {
        goTo(Phase.CAPTURED, CaptureMethod.DISK_ONLY, "round-1");
        lab.reconnect();
        assertThat(lab.vm.orElseThrow().status()).isEqualTo(VmStatus.PAUSED);
        lab.vm.get().resume();
        lab.snapshots().recover(operation -> Fate.TAKE_BACK);
        assertNothingLeftOf(true);
    }

    @ParameterizedTest
    @EnumSource
    void aMachineThatIsKilledInAnyPhaseStartsFromTheHeadWithItsNewestData(Phase last) throws Exception {
        lab.write(6, 5);
        SnapshotPhases phases = goTo(last, CaptureMethod.AUTO, "round-1");
        if (last.compareTo(Phase.THAWED) >= 0) {
            lab.write(7, 5);
        }
        lab.kill();
        SnapshotLab.assertReads(lab.chain.headFile("d1"), last.compareTo(Phase.THAWED) >= 0 ? 7 : 6, 5);
        phases.abandon("round-1");
        SnapshotLab.assertReads(lab.chain.headFile("d1"), last.compareTo(Phase.THAWED) >= 0 ? 7 : 6, 5);
        lab.start();
        assertNothingLeftOf(true);
    }

    @Test
    void aRevertThatWasNotDecidedIsTakenBackByTheNextLifeOfTheAgent() throws Exception {
        lab.create("one", CaptureMethod.AUTO);
        lab.write(3, 4);
        RevertPhases reverts = lab.snapshots().reverts();
        reverts.prepare(ONE, Progress.NONE);
        reverts.hold();
        reverts.loadBeside("round-2", ONE);
        long held = lab.counter();
        lab.reconnect();
        assertThat(lab.snapshots().recover(operation -> Fate.KEEP)).isEmpty();
        assertThat(lab.vm.orElseThrow().status()).isEqualTo(VmStatus.PAUSED);
        assertThatThrownBy(() -> lab.snapshots().readyToStart()).hasMessageContaining("round-2) is not decided");
        assertThat(lab.snapshots().recover(operation -> Fate.TAKE_BACK)).contains("round-2");
        lab.awaitTicks(5);
        assertThat(lab.counter()).isGreaterThan(held);
        SnapshotLab.assertReads(lab.chain.headFile("d1"), 3, 4);
        assertThat(lab.files("layers")).hasSize(4);
        assertThat(lab.snapshots().list()).hasSize(1);
    }

    @Test
    void aLoadedProcessThatHangsDoesNotKeepTheOldMachineHeld() throws Exception {
        lab.create("one", CaptureMethod.AUTO);
        RevertPhases reverts = lab.snapshots().reverts();
        reverts.hold();
        reverts.loadBeside("round-2", ONE);
        lab.signalBeside("STOP");
        assertThatThrownBy(() -> reverts.runOld("round-2", true)).hasMessageContaining("does not answer");
        lab.awaitTicks(5);
        lab.signalBeside("CONT");
        reverts.runOld("round-2", true);
        assertThat(lab.chain.intent()).isEmpty();
        lab.awaitTicks(5);
    }

    @Test
    void aRevertThatIsDecidedIsFinishedByTheNextLifeOfTheAgent() throws Exception {
        long before = lab.counter();
        lab.create("one", CaptureMethod.AUTO);
        long then = lab.counter();
        lab.write(3, 4);
        lab.awaitTicks(200);
        RevertPhases reverts = lab.snapshots().reverts();
        reverts.hold();
        reverts.loadBeside("round-2", ONE);
        lab.reconnect();
        lab.snapshots().reverts().runNew("round-2", true);
        lab.snapshots().reverts().runNew("round-2", true);
        lab.awaitTicks(5);
        assertThat(lab.firstCounted()).isBetween(before, then + 199);
        SnapshotLab.assertReads(lab.chain.headFile("d1"), 0, 4);
        lab.reconnect();
        assertThat(lab.vm).isPresent();
        assertThat(lab.snapshots().recover(operation -> Fate.TAKE_BACK)).isEmpty();
    }

    private void loseNodeWithLoadedRevert() throws Exception {
        lab.create("one", CaptureMethod.AUTO);
        lab.write(3, 4);
        RevertPhases reverts = lab.snapshots().reverts();
        reverts.hold();
        reverts.loadBeside("round-2", ONE);
        lab.kill();
        lab.killBeside();
    }

    @Test
    void aDecidedRevertOfANodeThatLostItsPowerIsFinishedFromTheFiles() throws Exception {
        loseNodeWithLoadedRevert();
        lab.snapshots().reverts().runNew("round-2", true);
        lab.awaitTicks(5);
        SnapshotLab.assertReads(lab.chain.headFile("d1"), 0, 4);
        assertThat(lab.chain.intent()).isEmpty();
    }

    /** The node that had the machine is gone, its agent had voted; the chain is on storage that both nodes have. */
    @ParameterizedTest
    @EnumSource(names = {"MAKE_TRUE", "TAKE_BACK"})
    void aMachineThatFailsOverInTheMiddleOfARoundStartsAtOnceAndGetsItsPartWhenTheDecisionIsKnown(Fate fate)
            throws Exception {
        lab.write(6, 5);
        goTo(Phase.DRAINED, CaptureMethod.AUTO, "round-1");
        lab.write(7, 5);
        lab.kill();
        VmSnapshots there = lab.snapshots();
        assertThat(there.recover(operation -> Fate.KEEP)).isEmpty();
        there.readyToStart();
        lab.start();
        lab.awaitTicks(5);
        SnapshotLab.assertReads(lab.chain.headFile("d1"), 7, 5);
        assertThat(lab.chain.intent()).isPresent();

        assertThat(there.recover(operation -> fate)).contains("round-1");
        lab.awaitTicks(5);
        assertThat(lab.chain.intent()).isEmpty();
        if (fate == Fate.TAKE_BACK) {
            assertThat(there.list()).isEmpty();
            assertNothingLeftOf(true);
            return;
        }
        assertThat(there.verify(ONE, Progress.NONE).problems()).isEmpty();
        lab.revert("one");
        lab.awaitTicks(5);
        SnapshotLab.assertReads(lab.chain.headFile("d1"), 6, 5);
    }

    @Test
    void aDecidedRevertOfAMachineThatFailedOverIsFinishedByItsStart() throws Exception {
        loseNodeWithLoadedRevert();
        assertThat(lab.snapshots().recover(operation -> Fate.MAKE_TRUE)).contains("round-2");
        lab.awaitTicks(5);
        SnapshotLab.assertReads(lab.chain.headFile("d1"), 0, 4);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aMachineThatIsStoppedWhileItsRevertIsInDoubtRunsOnNeitherSide(boolean committed) throws Exception {
        lab.create("one", CaptureMethod.AUTO);
        lab.write(3, 4);
        RevertPhases reverts = lab.snapshots().reverts();
        reverts.hold();
        reverts.loadBeside("round-2", ONE);
        assertThat(reverts.stop()).isTrue();
        assertThat(lab.processes()).isEmpty();

        lab.reconnect();
        RevertPhases later = lab.snapshots().reverts();
        if (committed) {
            later.runNew("round-2", true);
        } else {
            later.runOld("round-2", true);
        }
        assertThat(lab.vm).isEmpty();
        assertThat(lab.processes()).isEmpty();
        assertThat(lab.chain.intent()).isEmpty();
        SnapshotLab.assertReads(lab.chain.headFile("d1"), committed ? 0 : 3, 4);
        assertThat(later.stop()).isFalse();
        lab.start();
        lab.awaitTicks(5);
    }

    /** The agent died between the note and the end of the processes. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whatIsNotedAsStoppedIsEndedByTheDecision(boolean committed) throws Exception {
        lab.create("one", CaptureMethod.AUTO);
        RevertPhases reverts = lab.snapshots().reverts();
        reverts.hold();
        reverts.loadBeside("round-2", ONE);
        lab.noteStopped();
        if (committed) {
            reverts.runNew("round-2", true);
        } else {
            reverts.runOld("round-2", true);
        }
        assertThat(lab.processes()).isEmpty();
        assertThat(lab.chain.intent()).isEmpty();
    }

    /** Pacemaker has stopped it while the agent was dead; the decision is carried out, and nothing runs. */
    @Test
    void whatWasStoppedWithoutTheAgentIsNotLoadedAgainByADecidedRevert() throws Exception {
        lab.create("one", CaptureMethod.AUTO);
        lab.write(3, 4);
        RevertPhases reverts = lab.snapshots().reverts();
        reverts.hold();
        reverts.loadBeside("round-2", ONE);
        lab.stopAsPacemakerDoes();

        lab.reconnect();
        lab.snapshots().reverts().runNew("round-2", true);
        assertThat(lab.vm).isEmpty();
        assertThat(lab.processes()).isEmpty();
        assertThat(lab.chain.intent()).isEmpty();
        SnapshotLab.assertReads(lab.chain.headFile("d1"), 0, 4);
    }

    @Test
    void aMachineThatAPersonHadPausedIsPausedAgainAfterAnAbortAlsoInAnotherLifeOfTheAgent() throws Exception {
        lab.create("one", CaptureMethod.AUTO);
        lab.vm.orElseThrow().pause();
        RevertPhases reverts = lab.snapshots().reverts();
        reverts.hold();
        reverts.loadBeside("round-2", ONE);
        lab.reconnect();
        assertThat(lab.snapshots().reverts().wasPaused("round-2")).contains(true);
        lab.snapshots().reverts().runOld("round-2", true);
        assertThat(lab.vm.orElseThrow().status()).isEqualTo(VmStatus.PAUSED);
        assertThat(lab.chain.intent()).isEmpty();
    }

    @Test
    void whatARecoveryTakesAwayIsKeptInLost() throws Exception {
        goTo(Phase.PREPARED, CaptureMethod.AUTO, "round-1");
        lab.reconnect();
        lab.snapshots().recover(operation -> Fate.TAKE_BACK);
        assertThat(lab.files("lost")).contains("d0-000002.qcow2", "d1-000002.qcow2");
        assertThat(lab.chain.nextNumber()).isEqualTo(3);
        assertThat(Files.exists(lab.chain.path().resolve("lost"))).isTrue();
        assertThat(Optional.of(lab.chain.head().number())).contains(1);
    }
}
