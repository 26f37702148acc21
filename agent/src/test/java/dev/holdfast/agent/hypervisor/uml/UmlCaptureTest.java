package dev.holdfast.agent.hypervisor.uml;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.Capture;
import dev.holdfast.agent.hypervisor.CapturePlan;
import dev.holdfast.agent.hypervisor.DiskState;
import dev.holdfast.agent.hypervisor.FreezeFacts;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.hypervisor.LayerFiles;
import dev.holdfast.agent.hypervisor.MemoryFacts;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.ThawFacts;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.unix.DatagramStandIn;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Tag("qemu")
@Tag("soak")
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class UmlCaptureTest {
    private static final Duration DEADLINE = Duration.ofSeconds(5);
    private static final int LEVELS = 10;

    private UmlLab lab;
    private RunningVm vm;

    @BeforeEach
    void open() throws Exception {
        lab = new UmlLab();
        vm = lab.startCounting("web");
    }

    @AfterEach
    void close() throws Exception {
        lab.close();
    }

    private CapturePlan plan() throws Exception {
        return new CapturePlan(
                lab.layers.overlays(LayerFiles.active(vm)), Optional.empty(), CaptureMethod.DISK_ONLY, DEADLINE);
    }

    /** What a guest says at its boot of the disks that it is started on. */
    private CountingGuest.Found bootOf(Map<String, Path> disks) throws Exception {
        RunningVm booted = lab.startCounting(UmlLab.definition("copy", lab.layers.overlays(disks)));
        CountingGuest.Found found =
                CountingGuest.found(((UmlVm) booted).directory().console());
        booted.kill();
        booted.close();
        return found;
    }

    @Test
    void theLayersBelowTheCutAreOfOneMomentAndBoot() throws Exception {
        Map<String, Path> below = LayerFiles.active(vm);
        CapturePlan plan = plan();
        long counted;
        try (Capture capture = vm.newCapture(plan)) {
            capture.prepare();
            assertThat(capture.isStoppedByOthers()).isFalse();
            assertThat(capture.method()).isEqualTo(CaptureMethod.DISK_ONLY);
            assertThat(capture.approach(Progress.NONE)).isFalse();
            capture.freeze();
            counted = UmlLab.ticks(vm);
            assertThat(capture.mayHaveCut()).isFalse();
            capture.capture();
            assertThat(capture.mayHaveCut()).isTrue();
            assertThat(vm.status()).isEqualTo(VmStatus.PAUSED);
            assertThat(UmlLab.ticks(vm)).isEqualTo(counted);
            ThawFacts thaw = capture.proveAndThaw();
            assertThat(thaw.stoodStill()).as(thaw.toString()).isTrue();
            assertThat(capture.drain(Progress.NONE)).isEqualTo(new MemoryFacts(CaptureMethod.DISK_ONLY, 0));
            capture.abandon();
        }
        assertThat(vm.status()).isEqualTo(VmStatus.RUNNING);
        UmlLab.awaitTicks(vm, 5);
        for (DiskState disk : vm.disks()) {
            assertThat(disk.layers()).containsExactly(plan.overlays().get(disk.id()), below.get(disk.id()));
        }
        assertBoots(below, counted, counted + 1);
        long now = UmlLab.ticks(vm);
        Map<String, Path> above = LayerFiles.active(vm);
        vm.quit();
        assertBoots(above, now, Long.MAX_VALUE);
    }

    /** What was counted aloud is on both disks; and what is on the second is on the first. */
    private void assertBoots(Map<String, Path> disks, long atLeast, long atMost) throws Exception {
        bootOf(disks).assertIsOf(atLeast, atMost);
    }

    /** Prints what the pause of each was: figures for docs/hypervisors.md. */
    @Test
    void manyCutsOneUponTheOtherWhileTheGuestWrites() throws Exception {
        List<Map<String, Path>> below = new ArrayList<>();
        List<Long> counted = new ArrayList<>();
        StringBuilder pauses = new StringBuilder("pauses of cuts of two disks, ms:");
        for (int level = 0; level < LEVELS; level++) {
            below.add(LayerFiles.active(vm));
            try (Capture capture = vm.newCapture(plan())) {
                capture.prepare();
                long start = System.nanoTime();
                FreezeFacts freeze = capture.freeze();
                capture.capture();
                long captured = System.nanoTime();
                counted.add(UmlLab.ticks(vm));
                long look = System.nanoTime() - captured;
                ThawFacts thaw = capture.proveAndThaw();
                assertThat(thaw.stoodStill()).as(thaw.toString()).isTrue();
                pauses.append(" %.1f (to standstill %.1f)"
                        .formatted((thaw.atNanos() - start - look) / 1e6, (freeze.atNanos() - start) / 1e6));
            }
            UmlLab.awaitTicks(vm, 1);
        }
        System.out.println(pauses);
        assertThat(vm.disks().get(0).layers()).hasSize(LEVELS + 1);
        UmlLab.awaitTicks(vm, 2);
        vm.quit();
        assertBoots(below.get(LEVELS / 2), counted.get(LEVELS / 2), counted.get(LEVELS / 2) + 1);
    }

    @Test
    void layersBelowTheActiveOneAreMergedWhileTheGuestWrites() throws Exception {
        List<Map<String, Path>> levels = new ArrayList<>(List.of(LayerFiles.active(vm)));
        for (int level = 0; level < 3; level++) {
            cut();
            levels.add(LayerFiles.active(vm));
            UmlLab.awaitTicks(vm, 2);
        }
        assertThatThrownBy(() -> vm.mergeIntermediate(
                        "d0", levels.get(3).get("d0"), levels.get(0).get("d0"), Progress.NONE))
                .hasMessageContaining("is the active layer");
        assertThatThrownBy(() -> vm.mergeIntermediate(
                        "d0", Path.of("/nowhere"), levels.get(0).get("d0"), Progress.NONE))
                .hasMessageContaining("is not open");
        vm.mergeIntermediate("d0", levels.get(2).get("d0"), levels.get(0).get("d0"), Progress.NONE);
        vm.mergeIntermediate("d1", levels.get(1).get("d1"), levels.get(0).get("d1"), Progress.NONE);
        assertThat(vm.mergesLayers()).isTrue();
        assertThat(vm.disks().get(0).layers())
                .containsExactly(levels.get(3).get("d0"), levels.get(0).get("d0"));
        assertThat(vm.disks().get(1).layers())
                .containsExactly(
                        levels.get(3).get("d1"),
                        levels.get(2).get("d1"),
                        levels.get(0).get("d1"));
        UmlLab.awaitTicks(vm, 2);
        cut();
        UmlLab.awaitTicks(vm, 2);
        long counted = UmlLab.ticks(vm);
        Map<String, Path> top = LayerFiles.active(vm);
        vm.quit();
        assertBoots(top, counted, Long.MAX_VALUE);
    }

    @Test
    void layersAreMergedIntoARawFileWhileTheGuestWrites() throws Exception {
        vm.quit();
        vm = lab.startCounting("raw", ImageForm.RAW);
        Map<String, Path> raw = LayerFiles.active(vm);
        cut();
        Map<String, Path> first = LayerFiles.active(vm);
        UmlLab.awaitTicks(vm, 2);
        cut();
        for (String disk : raw.keySet()) {
            vm.mergeIntermediate(disk, first.get(disk), raw.get(disk), Progress.NONE);
        }
        Map<String, Path> top = LayerFiles.active(vm);
        for (DiskState disk : vm.disks()) {
            assertThat(disk.layers()).containsExactly(top.get(disk.id()), raw.get(disk.id()));
        }
        UmlLab.awaitTicks(vm, 2);
        long counted = UmlLab.ticks(vm);
        vm.quit();
        assertBoots(top, counted, Long.MAX_VALUE);
    }

    private void cut() throws Exception {
        try (Capture capture = vm.newCapture(plan())) {
            capture.prepare();
            capture.freeze();
            capture.capture();
            assertThat(capture.proveAndThaw().stoodStill()).isTrue();
        }
    }

    @Test
    void whatIsGivenUpBeforeTheCutLeavesNoTrace() throws Exception {
        Map<String, Path> before = LayerFiles.active(vm);
        CapturePlan plan = plan();
        try (Capture capture = vm.newCapture(plan)) {
            capture.prepare();
            capture.freeze();
            capture.abandon();
            capture.abandon();
            assertThat(capture.mayHaveCut()).isFalse();
        }
        UmlLab.awaitTicks(vm, 2);
        assertThat(LayerFiles.active(vm)).isEqualTo(before);
        // They are closed: the next one may have the same files.
        try (Capture capture = vm.newCapture(plan)) {
            capture.prepare();
            capture.freeze();
            capture.capture();
            capture.abandon();
            assertThat(capture.mayHaveCut()).isTrue();
        }
        UmlLab.awaitTicks(vm, 2);
        assertThat(LayerFiles.active(vm)).isEqualTo(plan.overlays());
    }

    @Test
    void anAgentThatDiedBeforeTheCutIsTidiedUpBehind() throws Exception {
        CapturePlan plan = plan();
        Capture capture = vm.newCapture(plan);
        capture.prepare();
        capture.freeze();
        vm.close();
        VmDefinition definition = ((UmlVm) vm).definition();
        vm = lab.hypervisor.find(definition).orElseThrow();
        assertThat(vm.status()).isEqualTo(VmStatus.PAUSED);
        vm.thaw(DEADLINE);
        UmlLab.awaitTicks(vm, 2);
        try (Capture next = vm.newCapture(plan)) {
            next.prepare();
            next.freeze();
            next.capture();
            assertThat(next.proveAndThaw().stoodStill()).isTrue();
        }
    }

    @Test
    void whoeverLetsTheGuestRunInBetweenSpoilsTheProof() throws Exception {
        try (Capture capture = vm.newCapture(plan())) {
            capture.prepare();
            capture.freeze();
            Mconsole stranger =
                    new Mconsole(((UmlVm) vm).directory().mconsole(), DatagramStandIn::word, System::nanoTime);
            stranger.ask("go", DEADLINE);
            UmlLab.awaitTicks(vm, 1);
            stranger.ask("stop", DEADLINE);
            capture.capture();
            assertThat(capture.proveAndThaw().stoodStill()).isFalse();
        }
        try (Capture capture = vm.newCapture(plan())) {
            capture.prepare();
            capture.freeze();
            capture.cutShort(DEADLINE);
            assertThatThrownBy(capture::capture).hasMessageContaining("was cut short");
            capture.abandon();
        }
        UmlLab.awaitTicks(vm, 2);
    }

    @Test
    void onePausedByAPersonStaysPausedAndOnePausedMeanwhileIsSeen() throws Exception {
        vm.pause();
        try (Capture capture = vm.newCapture(plan())) {
            capture.prepare();
            assertThat(capture.freeze().early()).isTrue();
            capture.capture();
            assertThat(capture.proveAndThaw().stoodStill()).isTrue();
        }
        assertThat(vm.status()).isEqualTo(VmStatus.PAUSED);
        vm.resume();
        try (Capture capture = vm.newCapture(plan())) {
            capture.prepare();
            vm.pause();
            assertThat(capture.isStoppedByOthers()).isTrue();
            assertThatThrownBy(capture::freeze).hasMessageContaining("somebody else has stopped");
            capture.abandon();
        }
        assertThat(vm.status()).isEqualTo(VmStatus.PAUSED);
        vm.resume();
    }

    @Test
    void memoryIsRefusedWithTheReason() throws Exception {
        assertThat(vm.surroundings(true).obstacles()).singleElement().asString().contains("--disk-only");
        assertThat(vm.surroundings(false).obstacles()).isEmpty();
        Path image = lab.root.resolve("memory");
        for (CaptureMethod method : List.of(CaptureMethod.AUTO, CaptureMethod.LIVE, CaptureMethod.STOP)) {
            CapturePlan plan =
                    new CapturePlan(lab.layers.overlays(LayerFiles.active(vm)), Optional.of(image), method, DEADLINE);
            Capture capture = vm.newCapture(plan);
            assertThatThrownBy(capture::prepare)
                    .isInstanceOfSatisfying(
                            HypervisorException.class, e -> assertThat(e.kind()).isEqualTo(Kind.REFUSED))
                    .hasMessageContaining("cannot write a guest's memory");
        }
        assertThat(Files.exists(image)).isFalse();
    }
}
