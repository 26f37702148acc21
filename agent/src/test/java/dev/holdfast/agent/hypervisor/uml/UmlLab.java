package dev.holdfast.agent.hypervisor.uml;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.LayerFiles;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.process.BoundedProcess;
import dev.holdfast.agent.unix.DatagramStandIn;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.awaitility.Awaitility;

/**
 * A directory with real guests of User-Mode Linux in it. Each counts: a line to a file on its first disk, then the number to the start of
 * its second disk, then the number to the console; and says at its boot what it finds. Closing it kills what it started.
 */
final class UmlLab implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int LINES_TOLD = 45;
    private static final Duration TOOL = Duration.ofSeconds(60);

    /** A kernel that is older than the host's processor (with AMX) dies of its first process. */
    private static final String TOO_OLD = "ptrace set fp regs failed";

    private static final String INIT = String.join(
            "\n",
            "#!/bin/sh",
            "mount -t proc none /proc",
            "echo 0 >/proc/sys/kernel/ctrl-alt-del",
            "trap 'sync; mount -o remount,ro /; echo BYE; halt -f' INT",
            "last=$(tail -n 1 /log)",
            "second=$(head -n 1 /dev/ubdb | tr -d '\\0')",
            "echo \"FOUND first=${last:-0} lines=$(wc -l </log) second=${second:-0}\"",
            "n=${last:-0}",
            "while :; do",
            "  n=$((n + 1))",
            "  echo $n >>/log",
            "  sync",
            "  echo $n | dd of=/dev/ubdb conv=fsync,notrunc 2>/dev/null",
            "  echo \"T $n\"",
            "done",
            "");

    private static final List<String> APPLETS =
            List.of("sh", "mount", "tail", "head", "tr", "wc", "sync", "dd", "halt", "echo");

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
        Path raw = rootImage();
        Path d0 = layers.next("d0");
        run("qemu-img", "convert", "-q", "-f", "raw", "-O", "qcow2", raw.toString(), d0.toString());
        Path d1 = layers.next("d1");
        run("qemu-img", "create", "-q", "-f", "qcow2", d1.toString(), "4M");
        return definition(name, Map.of("d0", d0, "d1", d1));
    }

    static VmDefinition definition(String name, Map<String, Path> disks) {
        return new VmDefinition(
                new Name(name),
                "uml-6.1",
                VmDefinition.Accelerator.TCG,
                Optional.empty(),
                1,
                64L << 20,
                false,
                Optional.empty(),
                List.of("init=/init"),
                Stream.of("d0", "d1")
                        .map(id -> new VmDefinition.Disk(id, disks.get(id)))
                        .toList(),
                List.of());
    }

    private Path rootImage() throws IOException {
        Path tree = Files.createDirectories(root.resolve("tree"));
        for (String directory : List.of("bin", "dev", "proc")) {
            Files.createDirectories(tree.resolve(directory));
        }
        Path busybox = Path.of("/bin/busybox");
        assertThat(busybox).as("the package busybox-static is needed").exists();
        run("cp", busybox.toString(), tree.resolve("bin/busybox").toString());
        for (String applet : APPLETS) {
            run("ln", "-sf", "busybox", tree.resolve("bin").resolve(applet).toString());
        }
        Path init = Files.writeString(tree.resolve("init"), INIT);
        Files.setPosixFilePermissions(init, PosixFilePermissions.fromString("rwxr-xr-x"));
        Files.writeString(tree.resolve("log"), "");
        Path image = root.resolve("root.raw");
        // Blocks of 4 KiB: see the trap of the driver in docs/hypervisors.md.
        run("/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-d", tree.toString(), image.toString(), "32M");
        return image;
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

    static List<String> console(RunningVm vm) throws IOException {
        return Files.readString(((UmlVm) vm).directory().console(), StandardCharsets.ISO_8859_1)
                .lines()
                .toList();
    }

    /** What the guest has counted to; 0 if it has not begun. */
    static long ticks(RunningVm vm) throws IOException {
        return console(vm).stream()
                .filter(line -> line.startsWith("T "))
                .mapToLong(line -> Long.parseLong(line.substring(2).strip()))
                .max()
                .orElse(0);
    }

    /** Waits until the guest has counted that many more. */
    static void awaitTicks(RunningVm vm, int more) throws IOException {
        long before = ticks(vm);
        Awaitility.await().atMost(PATIENCE).pollInterval(Duration.ofMillis(10)).untilAsserted(() -> {
            List<String> said = console(vm);
            boolean alive = vm.identity().isAlive();
            if (!alive && said.stream().anyMatch(line -> line.contains(TOO_OLD))) {
                abort("this processor has more registers (AMX) than the installed User-Mode Linux knows");
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
        BoundedProcess.Ended ended = BoundedProcess.run(List.of(command), TOOL);
        assertThat(ended.status())
                .as(String.join(" ", command) + ": " + ended.output())
                .isZero();
        return ended.output();
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
