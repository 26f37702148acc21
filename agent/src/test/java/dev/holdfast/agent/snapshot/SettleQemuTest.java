package dev.holdfast.agent.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.snapshot.chain.ChainExecutor;
import dev.holdfast.agent.snapshot.chain.ChainExecutor.Removal;
import dev.holdfast.agent.snapshot.chain.ChainPlan;
import dev.holdfast.agent.snapshot.chain.ChainStep;
import dev.holdfast.agent.snapshot.chain.Generation;
import dev.holdfast.agent.snapshot.chain.Intent;
import dev.holdfast.agent.snapshot.chain.Layer;
import dev.holdfast.agent.snapshot.chain.LiveDisks;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.nio.file.Files;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A real machine that writes all the time goes back to its raw file and its block device, and agents, guards and machines die on the way. The
 * second disk is written through QEMU as well, and flushed, where the guest does not look.
 */
@Tag("qemu")
@Timeout(value = 400, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SettleQemuTest {
    private static final int PLACE = 4;

    private SnapshotLab lab;
    private final Layer home0 = new Layer("d0", 1, ImageForm.RAW);
    private final Layer home1 = new Layer("d1", 1, ImageForm.DEVICE);
    private int pattern;
    private int snapshots;

    @BeforeEach
    void open() throws Exception {
        lab = new SnapshotLab(ImageForm.RAW, ImageForm.DEVICE);
        lab.start();
    }

    @AfterEach
    void close() throws Exception {
        lab.close();
    }

    private void write() throws Exception {
        pattern = pattern % 250 + 1;
        lab.write(pattern, PLACE);
    }

    private void assertHeadIsNewest() throws Exception {
        SnapshotLab.assertReads(lab.chain.headFile("d1"), pattern, PLACE);
    }

    private ChainExecutor executor(LiveDisks live) {
        return new ChainExecutor(lab.chain, lab.images, live, InstantSource.system(), Removal.DELETE, Progress.NONE);
    }

    /** A layer for each disk on its home, which no snapshot names; the machine may run. */
    private void putLayersOnTheHomes() throws Exception {
        lab.snapshots().compact(lab.operation(), Progress.NONE, () -> false);
        assertThat(lab.chain.head().layers()).containsValues(home0, home1);
        snapshots++;
        lab.create("s" + snapshots, CaptureMethod.DISK_ONLY);
        executor(LiveDisks.NONE).removeSnapshot(new Name("s" + snapshots));
    }

    private Intent intent() throws Exception {
        Generation head = lab.chain.head();
        TreeMap<String, Layer> homes = new TreeMap<>();
        homes.put("d0", home0);
        homes.put("d1", home1);
        return Intent.settle("settle", head, new Generation(lab.chain.nextNumber(), homes));
    }

    /** Comes so far, and not a step further: the agent is dead. */
    private void settleUntil(int steps) throws Exception {
        List<ChainStep> plan = ChainPlan.settle(intent());
        executor(VmChain.open(lab.definition, lab.new Slot(), lab.tools()).live("settle", Progress.NONE))
                .run(plan.subList(0, Math.min(steps, plan.size())));
    }

    private void letGuardActIfStopped() throws Exception {
        if (lab.vm.orElseThrow().status() == VmStatus.PAUSED) {
            lab.vm.orElseThrow().resume();
        }
    }

    private void recover() throws Exception {
        lab.snapshots().recover(operation -> Fate.TAKE_BACK);
        assertThat(lab.chain.intent()).isEmpty();
        lab.snapshots().readyToStart();
        assertThat(lab.snapshots().look().problems()).isEmpty();
    }

    @Test
    void aMachineWritesItsRawDisksAgainOnceTheirSnapshotIsGone() throws Exception {
        List<Long> pauses = new ArrayList<>();
        for (int round = 0; round < 5; round++) {
            lab.create("one", CaptureMethod.DISK_ONLY);
            write();
            AtomicLong watched = new AtomicLong();
            lab.whenWatched = () -> watched.set(System.nanoTime());
            lab.whenDisarmed = () -> pauses.add(
                    Duration.ofNanos(System.nanoTime() - watched.get()).toMillis());
            lab.watched.clear();
            lab.delete("one");
            assertThat(lab.watched)
                    .as("one pause, and somebody watches over it")
                    .containsExactly("arm", "disarm");
            assertThat(lab.open().get("d0")).containsExactly(lab.chain.file(home0));
            assertThat(lab.open().get("d1")).containsExactly(lab.chain.file(home1));
            assertThat(lab.files("layers")).containsExactly("d0-000001.raw", "d1-000001.dev");
            assertHeadIsNewest();
            lab.whenDisarmed = () -> {};
        }
        System.out.println("the guest stood still for ms: " + pauses);
        assertThat(pauses).as("ms until the guard would have let it run").allMatch(pause -> pause < 10_000);
        lab.awaitTicks(5);
        write();
        lab.kill();
        assertHeadIsNewest();
        lab.start();
        long before = lab.counter();
        lab.create("memory", CaptureMethod.AUTO);
        lab.awaitTicks(5);
        lab.revert("memory");
        lab.awaitTicks(5);
        assertThat(lab.firstCounted()).isGreaterThanOrEqualTo(before);
    }

    @Test
    void aRoundThatWantsTheMachineIsNotKeptWaiting() throws Exception {
        putLayersOnTheHomes();
        AtomicBoolean wanted = new AtomicBoolean();
        lab.watched.clear();
        lab.snapshots().compact(lab.operation(), (done, total) -> wanted.set(true), wanted::get);
        assertThat(wanted).isTrue();
        assertThat(lab.watched).as("the guest was not stopped").isEmpty();
        assertThat(lab.chain.intent()).isEmpty();
        assertThat(lab.open().get("d1")).hasSize(2).endsWith(lab.chain.file(home1));
        lab.create("next", CaptureMethod.DISK_ONLY);
        write();
        lab.delete("next");
        assertThat(lab.open().get("d1")).containsExactly(lab.chain.file(home1));
        assertHeadIsNewest();
    }

    @Test
    void whereNobodyCanTellWhichSideIsNewerTheStartIsRefusedUntilAPersonHasDecided() throws Exception {
        putLayersOnTheHomes();
        lab.awaitTicks(3);
        write();
        List<ChainStep> plan = ChainPlan.settle(intent());
        settleUntil(plan.indexOf(new ChainStep.Pivot(home1)));
        // The agent is dead, and the guard acts in that instant: d0 is home, d1 is not.
        letGuardActIfStopped();
        lab.awaitTicks(5);
        write();
        lab.kill();
        assertThat(Files.exists(lab.chain.path().resolve("head"))).isFalse();
        assertThatThrownBy(() -> lab.snapshots().recover(operation -> Fate.TAKE_BACK))
                .hasMessageContaining("nobody can tell whether the newest data of web")
                .hasMessageContaining("fsck");
        assertThatThrownBy(() -> lab.snapshots().readyToStart()).hasMessageContaining("do not start the machine");
        assertThatThrownBy(lab::start).hasMessageContaining("/head/d0");
        assertThat(HeadMending.look(lab.definition, Optional::empty)
                        .orElseThrow()
                        .doubt())
                .contains("mv head.aside head", "ln -s generations/", "layers/d1-000001.dev");
        // A person knows that the layer of d1 is the newer one, and lets d0 go back to its own.
        Files.move(lab.chain.path().resolve("head.aside"), lab.chain.path().resolve("head"));
        recover();
        assertHeadIsNewest();
    }

    @Tag("soak")
    @Test
    void anAgentThatDiesAtAnyStepLeavesAMachineWhoseNextAgentFindsItsNewestData() throws Exception {
        putLayersOnTheHomes();
        int steps = ChainPlan.settle(intent()).size();
        for (int last = 0; last <= steps; last++) {
            putLayersOnTheHomes();
            write();
            settleUntil(last);
            letGuardActIfStopped();
            write();
            if (last % 2 == 0) {
                // Else the agent lives, and has lost only what it was at.
                lab.reconnect();
            }
            recover();
            assertHeadIsNewest();
            for (Layer layer : lab.chain.head().layers().values()) {
                assertThat(lab.open().get(layer.disk())).as("step " + last).startsWith(lab.chain.file(layer));
            }
            write();
            assertHeadIsNewest();
        }
        lab.awaitTicks(5);
    }

    @Tag("soak")
    @Test
    void aMachineThatIsKilledAtAnyStepStartsFromItsLastFlushedWrite() throws Exception {
        int steps = settleSteps();
        for (int last = 0; last <= steps; last++) {
            putLayersOnTheHomes();
            write();
            settleUntil(last);
            // Agent and machine are gone at once; the guest did not run after it was stopped.
            lab.kill();
            recover();
            assertHeadIsNewest();
            lab.start(StartMode.NORMAL);
        }
        lab.awaitTicks(5);
    }

    private int settleSteps() throws Exception {
        putLayersOnTheHomes();
        return ChainPlan.settle(intent()).size();
    }

    @Test
    void theHomesAreTakenWhereBothSidesAreEven() throws Exception {
        putLayersOnTheHomes();
        write();
        List<ChainStep> plan = ChainPlan.settle(intent());
        settleUntil(plan.indexOf(new ChainStep.Pivot(home1)));
        lab.kill();
        recover();
        assertThat(lab.chain.head().layers()).containsValues(home0, home1);
        assertThat(lab.files("lost")).as("a recovery removes nothing").hasSize(2);
        assertHeadIsNewest();
    }
}
