package dev.holdfast.agent.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.hypervisor.Capture;
import dev.holdfast.agent.hypervisor.CapturePlan;
import dev.holdfast.agent.hypervisor.HypervisorKind;
import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.hypervisor.LayerFiles;
import dev.holdfast.agent.hypervisor.ProcessIdentity;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.image.MemoryKeys;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
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
import java.util.Random;
import java.util.stream.Stream;
import org.awaitility.Awaitility;

/** A directory with a real QEMU in it that runs the oracle guest on two disks. Closing it kills what it started. */
final class Lab implements AutoCloseable {
    static final Duration DEADLINE = Duration.ofSeconds(5);
    private static final int RANDOM_MEBIBYTES = 256;
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    final Path root;
    final QemuSettings settings;
    final QemuHypervisor hypervisor;
    private final List<RunningVm> started = new ArrayList<>();
    private final LayerFiles layers;

    Lab() throws IOException {
        this(emulator(Path.of("/")));
    }

    Lab(QemuSettings template) throws IOException {
        root = Files.createTempDirectory(Path.of("/tmp"), "hf-lab-");
        settings = new QemuSettings(
                template.emulator(),
                template.firmwareDirectories(),
                template.moduleDirectory(),
                root.resolve("run"),
                template.scopes(),
                template.user(),
                template.sandbox());
        if (template.user().isPresent()) {
            Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwx--x--x"));
        }
        hypervisor = new QemuHypervisor(settings, System::nanoTime);
        layers = new LayerFiles(root.resolve("layers"));
    }

    /** The installed QEMU, or one unpacked in the directory that {@code holdfast.test.qemu} or HOLDFAST_TEST_QEMU names. */
    static QemuSettings emulator(Path run) {
        String unpacked = System.getProperty("holdfast.test.qemu", System.getenv("HOLDFAST_TEST_QEMU"));
        QemuSettings settings = unpacked == null || unpacked.isEmpty()
                ? QemuSettings.installed(run)
                : QemuSettings.unpacked(Path.of(unpacked), run);
        String user = System.getenv().getOrDefault("HOLDFAST_TEST_QEMU_USER", "");
        return user.isEmpty() ? settings : settings.with(Optional.of(user), true);
    }

    /** Fresh disks: the first one boots the oracle. */
    VmDefinition definition(String name) throws Exception {
        return definition(name, ImageForm.QCOW2);
    }

    /** @param form of both disks */
    VmDefinition definition(String name, ImageForm form) throws Exception {
        Path raw = root.resolve("boot.raw");
        try (InputStream oracle = Lab.class.getResourceAsStream("/dev/holdfast/agent/hypervisor/oracle.bin")) {
            Files.write(raw, oracle == null ? new byte[0] : oracle.readAllBytes());
        }
        run("truncate", "-s", "16M", raw.toString());
        Path d0 = layers.next("d0", form);
        run("qemu-img", "convert", "-q", "-f", "raw", "-O", form.format(), raw.toString(), d0.toString());
        Path d1 = layers.next("d1", form);
        run("qemu-img", "create", "-q", "-f", form.format(), d1.toString(), "16M");
        return definition(name, 64, Map.of("d0", d0, "d1", d1));
    }

    static VmDefinition definition(String name, int megabytes, Map<String, Path> disks) {
        return new VmDefinition(
                new Name(name),
                HypervisorKind.QEMU,
                Optional.of(new VmDefinition.Hardware(
                        "pc-q35-7.2",
                        VmDefinition.Accelerator.TCG,
                        Optional.empty(),
                        1,
                        (long) megabytes << 20,
                        false,
                        Optional.empty(),
                        List.of(),
                        List.of())),
                Stream.of("d0", "d1")
                        .map(id -> new VmDefinition.Disk(id, disks.get(id)))
                        .toList());
    }

    /** The oracle with half of its memory full of random bytes: that much has to be written. */
    VmDefinition fullOfChance(String name) throws Exception {
        Path random = root.resolve("random");
        byte[] block = new byte[1 << 20];
        try (OutputStream out = Files.newOutputStream(random)) {
            for (int i = 0; i < RANDOM_MEBIBYTES; i++) {
                new Random(i).nextBytes(block);
                out.write(block);
            }
        }
        VmDefinition small = definition(name);
        return new VmDefinition(
                small.name(),
                small.hypervisor(),
                Optional.of(new VmDefinition.Hardware(
                        small.ownHardware().machine(),
                        small.ownHardware().accelerator(),
                        small.ownHardware().cpu(),
                        small.ownHardware().cpus(),
                        2L * RANDOM_MEBIBYTES << 20,
                        small.ownHardware().guestAgent(),
                        small.ownHardware().kernel(),
                        List.of("-device", "loader,force-raw=on,addr=0x4000000,file=" + random),
                        small.ownHardware().nics())),
                small.disks());
    }

    static VmDefinition with(VmDefinition vm, List<VmDefinition.Nic> nics) {
        return new VmDefinition(
                vm.name(),
                vm.hypervisor(),
                Optional.of(new VmDefinition.Hardware(
                        vm.ownHardware().machine(),
                        vm.ownHardware().accelerator(),
                        vm.ownHardware().cpu(),
                        vm.ownHardware().cpus(),
                        vm.ownHardware().memoryBytes(),
                        vm.ownHardware().guestAgent(),
                        vm.ownHardware().kernel(),
                        vm.ownHardware().extraArguments(),
                        nics)),
                vm.disks());
    }

    /** New overlays upon the layers given. */
    Map<String, Path> overlays(Map<String, Path> below) throws Exception {
        return layers.overlays(below);
    }

    static Map<String, Path> active(RunningVm vm) throws Exception {
        return LayerFiles.active(vm);
    }

    RunningVm start(VmDefinition definition, StartMode mode) throws Exception {
        RunningVm vm = hypervisor.start(definition, mode);
        started.add(vm);
        return vm;
    }

    /** What another agent of this node would have. */
    QemuHypervisor hypervisorWith(MemoryKeys keys) {
        return new QemuHypervisor(settings, System::nanoTime, keys);
    }

    /** Ends with this lab. */
    void adopt(RunningVm vm) {
        started.add(vm);
    }

    /** Started, and the guest counts. */
    RunningVm startOracle(String name) throws Exception {
        RunningVm vm = start(definition(name), StartMode.NORMAL);
        awaitTicks(name, 5);
        return vm;
    }

    CapturePlan plan(RunningVm vm, CaptureMethod method, String memory) throws Exception {
        return plan(vm, method, root.resolve(memory), DEADLINE);
    }

    CapturePlan plan(RunningVm vm, CaptureMethod method, Path memory, Duration deadline) throws Exception {
        Optional<Path> image = method == CaptureMethod.DISK_ONLY ? Optional.empty() : Optional.of(memory);
        return new CapturePlan(overlays(active(vm)), image, method, deadline);
    }

    static void throughFreeze(Capture capture) throws Exception {
        capture.prepare();
        capture.approach((done, total) -> {});
        capture.freeze();
    }

    List<String> console(String name) throws IOException {
        return printed(name).lines().toList();
    }

    /** All that was printed. Its last line may be half of one: a guest stands still, or ends, anywhere. */
    String printed(String name) throws IOException {
        Path console = settings.runDirectory().resolve("vms").resolve(name).resolve("console");
        return Files.exists(console) ? Files.readString(console, StandardCharsets.ISO_8859_1) : "";
    }

    long ticks(String name) throws IOException {
        return console(name).stream().filter(l -> l.startsWith("T")).count();
    }

    /** Waits until the guest has counted that many more. */
    void awaitTicks(String name, int more) throws IOException {
        long before = ticks(name);
        Awaitility.await()
                .atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(10))
                .until(() -> ticks(name) >= before + more);
        assertThat(console(name)).doesNotContain("BAD");
    }

    static void run(String... command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor())
                .as(String.join(" ", command) + ": " + output)
                .isZero();
    }

    static void signal(RunningVm vm, String name) throws Exception {
        signal(vm.identity().process().orElseThrow(), name);
    }

    static void signal(ProcessIdentity process, String name) throws Exception {
        run("kill", "-" + name, Long.toString(process.pid()));
    }

    @Override
    public void close() throws Exception {
        for (RunningVm vm : started) {
            vm.close();
            if (vm.identity().isAlive()) {
                vm.kill();
            }
        }
        try (Stream<Path> files = Files.walk(root)) {
            files.sorted(Comparator.reverseOrder()).forEach(Lab::delete);
        }
    }

    private static void delete(Path path) {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
