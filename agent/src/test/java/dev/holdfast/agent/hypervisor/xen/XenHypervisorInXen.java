package dev.holdfast.agent.hypervisor.xen;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.Capture;
import dev.holdfast.agent.hypervisor.CapturePlan;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorKind;
import dev.holdfast.agent.hypervisor.LayerFiles;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.ThawFacts;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.process.BoundedProcess;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With real domains, whose guest writes one numbered block after the other; only {@code deploy/xen/junit} runs it, inside an emulated Xen. */
@Tag("soak")
class XenHypervisorInXen {
    private static final Name WEB = new Name("web");
    private static final Duration PATIENCE = Duration.ofMinutes(10);
    private static final int BLOCK = 4096;
    private static final String DISK = "d0";

    @TempDir
    private Path directory;

    private final Xl xl = new Xl("xl", PATIENCE, PATIENCE);
    private Optional<LayerFiles> layers = Optional.empty();

    @BeforeEach
    void prepare() throws IOException {
        layers = Optional.of(new LayerFiles(directory.resolve("its-layers,-all-of-them")));
    }

    @AfterEach
    void nothingIsLeft() throws HypervisorException {
        for (XlDomain domain : xl.list()) {
            if (domain.id() != 0) {
                xl.destroy(domain.id());
            }
        }
    }

    private XenHypervisor hypervisor() {
        return new XenHypervisor(new XenSettings(xl, Path.of("/run/xen"), directory.resolve("run")), System::nanoTime);
    }

    private static VmDefinition on(Path layer) {
        VmDefinition.Kernel kernel = new VmDefinition.Kernel(
                Path.of("/lab/guest/vmlinuz"), Optional.of(Path.of("/lab/guest/initrd")), "console=hvc0 quiet");
        VmDefinition.Hardware hardware = new VmDefinition.Hardware(
                "xen-pv-4.17",
                VmDefinition.Accelerator.KVM,
                Optional.empty(),
                1,
                96 << 20,
                false,
                Optional.of(kernel),
                List.of(),
                List.of());
        return new VmDefinition(
                WEB, HypervisorKind.XEN, Optional.of(hardware), List.of(new VmDefinition.Disk(DISK, layer)));
    }

    private Path empty() throws IOException {
        Path layer = layers.orElseThrow().next(DISK);
        tool("qemu-img", "create", "-q", "-f", "qcow2", layer.toString(), "16M");
        return layer;
    }

    private static void tool(String... words) throws IOException {
        BoundedProcess.Ended ended = BoundedProcess.run(List.of(words), PATIENCE);
        assertThat(ended.status()).as(ended.output()).isZero();
    }

    /** How many blocks the guest has written; there is no gap among them, and nothing behind them. */
    private int lines(Path layer) throws IOException {
        Path raw = directory.resolve("raw");
        tool("qemu-img", "convert", "-U", "-f", "qcow2", "-O", "raw", layer.toString(), raw.toString());
        byte[] all = Files.readAllBytes(raw);
        int count = 0;
        while (line(count).equals(first(all, count))) {
            count++;
        }
        byte[] nothing = new byte[all.length - count * BLOCK];
        assertThat(Arrays.equals(all, count * BLOCK, all.length, nothing, 0, nothing.length))
                .as("nothing is behind block " + count)
                .isTrue();
        return count;
    }

    private static String line(int number) {
        return "LINE " + number + "\n";
    }

    private static String first(byte[] all, int block) {
        return new String(all, block * BLOCK, line(block).length(), StandardCharsets.ISO_8859_1);
    }

    private static void await(Callable<Boolean> condition) {
        Awaitility.await().atMost(PATIENCE).pollInterval(Duration.ofSeconds(1)).until(condition);
    }

    /** Waits until it has written at least so many. */
    private void writes(Path layer, int lines) {
        await(() -> lines(layer) >= lines);
    }

    private CapturePlan plan(RunningVm vm) throws Exception {
        return new CapturePlan(
                layers.orElseThrow().overlays(LayerFiles.active(vm)),
                Optional.empty(),
                CaptureMethod.DISK_ONLY,
                PATIENCE);
    }

    @Test
    void aDomainIsStartedFoundAgainStoppedLetRunAndShutDown() throws Exception {
        Path layer = empty();
        RunningVm vm = hypervisor().start(on(layer), StartMode.NORMAL);
        writes(layer, 2);
        RunningVm found = hypervisor().find(on(layer)).orElseThrow();
        assertThat(found.identity()).isEqualTo(vm.identity());
        assertThat(found.status()).isEqualTo(VmStatus.RUNNING);
        assertThat(hypervisor().running()).containsExactly(WEB);
        assertThat(found.disks()).extracting(disk -> disk.layers().toString()).containsExactly("[" + layer + "]");
        assertThatThrownBy(() -> hypervisor().start(on(layer), StartMode.NORMAL))
                .hasMessageContaining("runs already");

        found.pause();
        assertThat(vm.status()).isEqualTo(VmStatus.PAUSED);
        int stopped = lines(layer);
        assertThat(lines(layer)).isEqualTo(stopped);
        found.resume();
        writes(layer, stopped + 1);

        assertThat(found.shutdown(PATIENCE)).isTrue();
        assertThat(vm.isAlive()).isFalse();
        assertThat(hypervisor().running()).isEmpty();
        assertThat(hypervisor().find(on(layer))).isEmpty();
    }

    @Test
    void disksAreCutMergedAndGoneBackTo() throws Exception {
        Path base = empty();
        RunningVm vm = hypervisor().start(on(base), StartMode.NORMAL);
        writes(base, 2);
        CapturePlan plan = plan(vm);
        Path overlay = plan.overlays().get(DISK);
        assertThat(capture(vm, plan).stoodStill()).isTrue();
        int cut = lines(base);
        writes(overlay, cut + 2);
        assertThat(lines(base)).isEqualTo(cut);
        assertThat(vm.disks().get(0).layers()).containsExactly(overlay, base);

        // Back to the first cut: a domain on it beside the one that runs takes its place.
        Path back = layers.orElseThrow().overlays(Map.of(DISK, base)).get(DISK);
        RunningVm beside = hypervisor().start(on(back), StartMode.PAUSED.beside("r1"));
        assertThat(beside.status()).isEqualTo(VmStatus.PAUSED);
        vm.quit();
        RunningVm reverted = hypervisor().takePlace(beside, on(back));
        reverted.resume();
        writes(back, cut + 2);
        assertThat(hypervisor().find(on(back)).orElseThrow().identity()).isEqualTo(reverted.identity());
        assertThat(lines(base)).isEqualTo(cut);
        tool("qemu-img", "check", "-q", "-U", back.toString());
    }

    @Test
    void whoLetsItRunBehindOurBackVoidsTheCaptureAndLayersAreMerged() throws Exception {
        Path base = empty();
        RunningVm vm = hypervisor().start(on(base), StartMode.NORMAL);
        writes(base, 1);
        CapturePlan plan = plan(vm);
        try (Capture capture = vm.newCapture(plan)) {
            capture.prepare();
            capture.freeze();
            capture.abandon();
            assertThat(vm.status()).isEqualTo(VmStatus.RUNNING);
        }
        try (Capture capture = vm.newCapture(plan)) {
            capture.prepare();
            capture.freeze();
            capture.capture();
            XlDomain frozen = xl.find("web").orElseThrow();
            xl.unpause(frozen.id());
            await(() -> xl.find("web").orElseThrow().cpuTenths() > frozen.cpuTenths());
            xl.pause(frozen.id());
            ThawFacts facts = capture.proveAndThaw();
            assertThat(facts.statusBefore()).isEqualTo(VmStatus.PAUSED);
            assertThat(facts.stoodStill()).isFalse();
        }
        Path overlay = plan.overlays().get(DISK);
        writes(overlay, lines(base) + 1);

        vm.pause();
        CapturePlan second = plan(vm);
        assertThat(capture(vm, second).stoodStill()).isTrue();
        assertThat(vm.status()).as("paused by a person before").isEqualTo(VmStatus.PAUSED);
        vm.resume();
        Path active = second.overlays().get(DISK);
        int cut = lines(overlay);
        vm.mergeIntermediate(DISK, overlay, base, Progress.NONE);
        assertThat(lines(base)).isEqualTo(cut);
        assertThat(vm.disks().get(0).layers()).containsExactly(active, base);
        writes(active, cut + 1);

        // A guest that ends by itself: what is left of it is ended when somebody looks for it.
        xl.shutdown(xl.find("web").orElseThrow().id());
        await(() -> vm.status() == VmStatus.GUEST_ENDED);
        assertThat(hypervisor().find(on(active))).isEmpty();
        assertThat(xl.find("web")).isEmpty();
    }

    private static ThawFacts capture(RunningVm vm, CapturePlan plan) throws HypervisorException {
        try (Capture capture = vm.newCapture(plan)) {
            capture.prepare();
            capture.freeze();
            capture.capture();
            return capture.proveAndThaw();
        }
    }
}
