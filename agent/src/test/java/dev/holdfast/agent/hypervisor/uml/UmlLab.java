package dev.holdfast.agent.hypervisor.uml;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorKind;
import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.hypervisor.LayerFiles;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.unix.DatagramStandIn;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.awaitility.Awaitility;

/** A directory with real guests of User-Mode Linux in it, each a {@link CountingGuest}. Closing it kills what it started. */
final class UmlLab implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int LINES_TOLD = 45;

    final Path root;
    final UmlSettings settings;
    final UmlHypervisor hypervisor;
    final LayerFiles layers;
    private final List<RunningVm> started = new ArrayList<>();

    UmlLab() throws IOException {
        root = Files.createTempDirectory(Path.of("/tmp"), "hf-uml-");
        settings = UmlSettings.installed(root.resolve("run"));
        hypervisor = new UmlHypervisor(settings, DatagramStandIn::word, System::nanoTime);
        layers = new LayerFiles(root.resolve("layers"));
    }

    /** Fresh disks, and a guest on them. */
    VmDefinition definition(String name) throws IOException {
        return definition(name, ImageForm.QCOW2);
    }

    /** @param form of both disks */
    private VmDefinition definition(String name, ImageForm form) throws IOException {
        Path raw = CountingGuest.firstDisk(root);
        Path d0 = layers.next("d0", form);
        run("qemu-img", "convert", "-q", "-f", "raw", "-O", form.format(), raw.toString(), d0.toString());
        Path d1 = layers.next("d1", form);
        run("qemu-img", "create", "-q", "-f", form.format(), d1.toString(), "4M");
        return definition(name, Map.of("d0", d0, "d1", d1));
    }

    static VmDefinition definition(String name, Map<String, Path> disks) {
        return new VmDefinition(
                new Name(name),
                HypervisorKind.UML,
                Optional.of(new VmDefinition.Hardware(
                        "uml-6.1",
                        VmDefinition.Accelerator.TCG,
                        Optional.empty(),
                        1,
                        64L << 20,
                        false,
                        Optional.empty(),
                        List.of(CountingGuest.WORDS),
                        List.of())),
                Stream.of("d0", "d1")
                        .map(id -> new VmDefinition.Disk(id, disks.get(id)))
                        .toList());
    }

    RunningVm start(VmDefinition definition, StartMode mode) throws HypervisorException {
        RunningVm vm = hypervisor.start(definition, mode);
        started.add(vm);
        return vm;
    }

    /** Started, and the guest counts. */
    RunningVm startCounting(VmDefinition definition) throws Exception {
        RunningVm vm = start(definition, StartMode.NORMAL);
        awaitTicks(vm, 3);
        return vm;
    }

    RunningVm startCounting(String name) throws Exception {
        return startCounting(definition(name));
    }

    /** @param form of both disks */
    RunningVm startCounting(String name, ImageForm form) throws Exception {
        return startCounting(definition(name, form));
    }

    static List<String> console(RunningVm vm) throws IOException {
        return CountingGuest.said(((UmlVm) vm).directory().console());
    }

    /** What the guest has counted to; 0 if it has not begun. */
    static long ticks(RunningVm vm) throws IOException {
        return CountingGuest.ticks(((UmlVm) vm).directory().console());
    }

    /** Waits until the guest has counted that many more. */
    static void awaitTicks(RunningVm vm, int more) throws IOException {
        long before = ticks(vm);
        Awaitility.await().atMost(PATIENCE).pollInterval(Duration.ofMillis(10)).untilAsserted(() -> {
            List<String> said = console(vm);
            boolean alive = vm.identity().isAlive();
            if (!alive) {
                CountingGuest.abortIfTooOld(said);
            }
            assertThat(ticks(vm))
                    .as(
                            "%s; %s",
                            alive ? "it lives" : "it has ended",
                            said.subList(Math.max(0, said.size() - LINES_TOLD), said.size()))
                    .isGreaterThanOrEqualTo(before + more);
        });
    }

    static String run(String... command) throws IOException {
        return CountingGuest.run(command);
    }

    @Override
    public void close() throws Exception {
        for (RunningVm vm : started) {
            vm.kill();
            vm.close();
        }
        try (Stream<Path> files = Files.walk(root)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }
}
