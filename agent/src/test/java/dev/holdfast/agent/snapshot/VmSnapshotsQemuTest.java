package dev.holdfast.agent.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.snapshot.chain.SnapshotRecord;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Part;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import dev.holdfast.coordinator.protocol.RoundOptions.Quiesce;
import dev.holdfast.coordinator.protocol.VmReport;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whole operations on a real QEMU whose guest checks its memory against its disks. */
@Tag("qemu")
@Timeout(value = 240, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class VmSnapshotsQemuTest {
    private SnapshotLab lab;

    @BeforeEach
    void open() throws Exception {
        lab = new SnapshotLab();
    }

    @AfterEach
    void close() throws Exception {
        lab.close();
    }

    @Test
    void aSnapshotIsCreatedAndRevertedToAndTheGuestFindsMemoryAndDisksOfOneMoment() throws Exception {
        lab.start();
        lab.write(1, 4);
        long beforeSnapshot = lab.counter();
        VmReport report = lab.create("one", CaptureMethod.AUTO);
        long atSnapshot = lab.counter();
        System.out.printf("FIGURE create pause_ms=%.1f method=%s%n", report.pauseNanos() / 1e6, report.method());
        assertThat(report.pauseNanos()).isPositive();
        assertThat(report.capturedAtNanos()).isBetween(report.frozenAtNanos(), report.thawedAtNanos());
        assertThat(report.parts()).extracting(Part::role).containsExactly("disk:d0", "disk:d1", "memory", "sidecar");
        assertThat(lab.watched).containsExactly("arm", "disarm");
        lab.write(2, 4);
        lab.awaitTicks(200);
        long before = lab.counter();
        assertThat(before).isGreaterThan(atSnapshot + 100);

        long start = System.nanoTime();
        lab.revert("one");
        System.out.printf("FIGURE revert ms=%.0f%n", (System.nanoTime() - start) / 1e6);
        lab.awaitTicks(5);
        assertThat(lab.firstCounted()).isBetween(beforeSnapshot, before - 1);
        assertThat(lab.console().stream().filter("START"::equals)).hasSizeLessThanOrEqualTo(1);
        SnapshotLab.assertReads(lab.chain.headFile("d1"), 1, 4);
        assertThat(lab.snapshots().list())
                .extracting(info -> info.snapshot().name().value())
                .containsExactlyInAnyOrder("one", "before-one-3");
        SnapshotLab.assertReads(
                lab.chain.file(lab.snapshots()
                        .show(new Name("before-one-3"))
                        .snapshot()
                        .disks()
                        .get(1)
                        .asLayer()),
                2,
                4);
    }

    @Test
    void aRevertMayLeaveTheGuestAtTheInstantOfTheSnapshot() throws Exception {
        lab.start();
        lab.create("one", CaptureMethod.STOP);
        lab.snapshots().revert("op-x", new Name("one"), false, Progress.NONE);
        assertThat(lab.vm.orElseThrow().status()).isIn(VmStatus.PAUSED, VmStatus.CAPTURED);
        lab.vm.get().resume();
        lab.awaitTicks(5);
    }

    @Test
    void fileSystemsThatWereFrozenForTheSnapshotAreThawedAfterARevert() throws Exception {
        lab.start();
        lab.snapshots().create(lab.request("one", CaptureMethod.STOP), Quiesce.REQUIRE, Progress.NONE);
        lab.create("two", CaptureMethod.STOP);
        lab.watched.clear();
        lab.revert("one");
        assertThat(lab.watched).containsExactly("arm", "disarm", "restored true");
        lab.snapshots().revert("op-x", new Name("one"), false, Progress.NONE);
        assertThat(lab.watched).endsWith("restored false");
        lab.watched.clear();
        lab.revert("two");
        assertThat(lab.watched).as("it stood still before").isEmpty();
    }

    @Test
    void theUndoOfARevertIsARevertToTheBranch() throws Exception {
        lab.start();
        lab.write(1, 4);
        lab.create("one", CaptureMethod.AUTO);
        lab.write(2, 4);
        lab.revert("one");
        lab.revert("before-one-3");
        SnapshotLab.assertReads(lab.chain.headFile("d1"), 2, 4);
        assertThat(lab.vm.orElseThrow().status()).isEqualTo(VmStatus.RUNNING);
    }

    @Test
    void deletingFirstMiddleAndLastSnapshotLiveKeepsEveryOtherReadable() throws Exception {
        lab.start();
        for (int i = 1; i <= 3; i++) {
            lab.write(i, 4);
            lab.write(10 + i, 4 + i);
            lab.create("s" + i, CaptureMethod.DISK_ONLY);
        }
        lab.write(9, 4);
        for (String name : List.of("s2", "s1", "s3")) {
            lab.delete(name);
            lab.awaitTicks(5);
            SnapshotLab.assertReads(lab.chain.headFile("d1"), 9, 4);
            for (int i = 1; i <= 3; i++) {
                SnapshotLab.assertReads(lab.chain.headFile("d1"), 10 + i, 4 + i);
            }
            for (var info : lab.snapshots().list()) {
                int number = Integer.parseInt(info.snapshot().name().value().substring(1));
                SnapshotLab.assertReads(
                        lab.chain.file(info.snapshot().disks().get(1).asLayer()), number, 4);
                assertThat(lab.snapshots()
                                .verify(info.snapshot().name(), Progress.NONE)
                                .problems())
                        .isEmpty();
            }
        }
        assertThat(lab.chain.graph().depth()).isEqualTo(2);
        assertThat(lab.files("layers")).hasSize(4);
        assertThat(lab.files("snapshots")).isEmpty();
        lab.create("again", CaptureMethod.AUTO);
        lab.write(8, 4);
        lab.kill();
        lab.snapshots().readyToStart();
        lab.start();
        SnapshotLab.assertReads(lab.chain.headFile("d1"), 8, 4);
        lab.revert("again");
        SnapshotLab.assertReads(lab.chain.headFile("d1"), 9, 4);
        lab.awaitTicks(5);
    }

    @Test
    void deletingWhileTheMachineIsStoppedLeavesOneLayer() throws Exception {
        lab.start();
        lab.write(1, 4);
        lab.create("s1", CaptureMethod.AUTO);
        lab.write(2, 4);
        lab.create("s2", CaptureMethod.DISK_ONLY);
        lab.write(3, 5);
        lab.kill();
        lab.delete("s1");
        lab.delete("s2");
        assertThat(lab.files("layers")).hasSize(2);
        assertThat(lab.chain.graph().depth()).isEqualTo(1);
        SnapshotLab.assertReads(lab.chain.headFile("d1"), 2, 4);
        SnapshotLab.assertReads(lab.chain.headFile("d1"), 3, 5);
        lab.start();
    }

    @Test
    void deletingABranchAndItsOriginTidiesBothSides() throws Exception {
        lab.start();
        lab.write(1, 4);
        lab.create("one", CaptureMethod.AUTO);
        lab.write(2, 5);
        lab.revert("one");
        lab.write(3, 6);
        lab.delete("before-one-3");
        lab.delete("one");
        lab.awaitTicks(5);
        SnapshotLab.assertReads(lab.chain.headFile("d1"), 1, 4);
        SnapshotLab.assertReads(lab.chain.headFile("d1"), 0, 5);
        SnapshotLab.assertReads(lab.chain.headFile("d1"), 3, 6);
        assertThat(lab.chain.graph().depth()).isEqualTo(2);
    }

    @Test
    void aMachineThatWasKilledStartsFromTheHeadWithItsNewestData() throws Exception {
        lab.start();
        lab.create("one", CaptureMethod.AUTO);
        lab.write(7, 4);
        lab.kill();
        SnapshotLab.assertReads(lab.chain.headFile("d1"), 7, 4);
        assertThat(SnapshotLab.run("qemu-img", "check", lab.chain.headFile("d1").toString()))
                .contains("No errors");
        lab.start();
        lab.revert("one");
        lab.awaitTicks(5);
    }

    @Test
    void aStoppedMachineIsCapturedWithoutMemoryAndBroughtBackWithIt() throws Exception {
        lab.start();
        lab.create("running", CaptureMethod.AUTO);
        lab.kill();
        lab.write(5, 4);
        lab.create("stopped", CaptureMethod.DISK_ONLY);
        lab.write(6, 4);
        lab.revert("stopped");
        assertThat(lab.vm).isEmpty();
        SnapshotLab.assertReads(lab.chain.headFile("d1"), 5, 4);
        lab.revert("running");
        SnapshotLab.assertReads(lab.chain.headFile("d1"), 0, 4);
        lab.awaitTicks(5);
    }

    @Test
    void snapshotsKnowTheirParents() throws Exception {
        lab.start();
        lab.create("a", CaptureMethod.DISK_ONLY);
        lab.create("b", CaptureMethod.DISK_ONLY);
        lab.revert("a");
        lab.create("c", CaptureMethod.DISK_ONLY);
        SnapshotRecord c = lab.snapshots().show(new Name("c")).snapshot();
        assertThat(c.parent()).contains(new Name("a"));
        assertThat(lab.snapshots().show(new Name("b")).parent()).contains(new Name("a"));
        assertThat(lab.snapshots().show(new Name("c")).current()).isTrue();
        lab.delete("a");
        assertThat(lab.snapshots().show(new Name("c")).parent()).isEmpty();
    }

    @Test
    void refusesARevertIntoAnotherMachine() throws Exception {
        lab.start();
        lab.create("one", CaptureMethod.AUTO);
        lab.definition = lab.definition("pc-i440fx-7.2");
        assertThatThrownBy(() -> lab.revert("one"))
                .hasMessageContaining("pc-q35-7.2")
                .hasMessageContaining("pc-i440fx-7.2");
        lab.awaitTicks(5);
    }
}
