package dev.holdfast.agent.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.hypervisor.DiskState;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorKind;
import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.hypervisor.Keep;
import dev.holdfast.agent.hypervisor.LoopDevice;
import dev.holdfast.agent.hypervisor.ProcessIdentity;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.qemu.QemuHypervisor;
import dev.holdfast.agent.hypervisor.qemu.QemuSettings;
import dev.holdfast.agent.image.MemoryKeys;
import dev.holdfast.agent.qmp.QmpClient;
import dev.holdfast.agent.qmp.QmpException;
import dev.holdfast.agent.snapshot.chain.ChainDirectory;
import dev.holdfast.agent.snapshot.chain.ChainExecutor;
import dev.holdfast.agent.snapshot.chain.ChainImport;
import dev.holdfast.agent.snapshot.chain.DiskImages;
import dev.holdfast.agent.snapshot.chain.Intent;
import dev.holdfast.agent.snapshot.chain.LiveDisks;
import dev.holdfast.agent.snapshot.chain.QemuImages;
import dev.holdfast.agent.storage.ImageStore;
import dev.holdfast.agent.storage.ImageStores;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import dev.holdfast.coordinator.protocol.RoundOptions.Quiesce;
import dev.holdfast.coordinator.protocol.VmReport;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.awaitility.Awaitility;

/**
 * A chain with the oracle guest on its two disks: a guest that knows whether its memory and its disks are of one moment.
 * Closing it kills what it started.
 */
final class SnapshotLab implements AutoCloseable {
    static final Name VM = new Name("web");
    private static final String ORACLE = "/dev/holdfast/agent/hypervisor/oracle.bin";
    static final Duration DEADLINE = Duration.ofSeconds(20);
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    final Path root;
    QemuHypervisor hypervisor;
    DiskImages images = new QemuImages("qemu-img");
    final ChainDirectory chain;
    final List<String> watched = new ArrayList<>();
    /** Happens once the guard watches, before the machine is stopped. */
    Runnable whenWatched = () -> {};
    /** Happens when the guard is told that it need not watch any more. */
    Runnable whenDisarmed = () -> {};

    RecordedMemory recorded = RecordedMemory.NONE;
    ImageStore storage = new ImageStores(List.of());
    VmDefinition definition;
    Optional<RunningVm> vm = Optional.empty();
    private final List<RunningVm> all = new ArrayList<>();
    private final List<LoopDevice> devices = new ArrayList<>();
    private int operations;

    SnapshotLab() throws Exception {
        this(ImageForm.QCOW2, ImageForm.QCOW2);
    }

    /** @param second form of the disk that the guest does not boot from */
    SnapshotLab(ImageForm first, ImageForm second) throws Exception {
        this(ORACLE, "16M", first, second);
    }

    /**
     * @param guest the resource that the first disk begins with
     * @param size of each disk
     */
    SnapshotLab(String guest, String size, ImageForm first, ImageForm second) throws Exception {
        this(guest, size, first, (lab, empty) -> lab.image("b", second, empty));
    }

    /** @param second block device of the disk that the guest does not boot from */
    SnapshotLab(ImageForm first, Path second) throws Exception {
        this(ORACLE, "16M", first, (lab, empty) -> Files.createSymbolicLink(lab.root.resolve("b.dev"), second));
    }

    /** Makes an image, from an empty raw one if need be. */
    private interface Imaging {
        Path image(SnapshotLab lab, Path empty) throws Exception;
    }

    private SnapshotLab(String guest, String size, ImageForm first, Imaging second) throws Exception {
        root = Files.createTempDirectory(Path.of("/tmp"), "snap-lab-").toRealPath();
        Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwx--x--x"));
        Files.createDirectories(root.resolve("run"));
        hypervisor = new QemuHypervisor(emulator(root.resolve("run")), System::nanoTime);
        chain = new ChainImport(images, InstantSource.system())
                .importDisks(root.resolve("web.holdfast"), disks(guest, size, first, second));
        definition = definition("pc-q35-7.2");
    }

    /** The installed QEMU, or one unpacked in the directory that {@code holdfast.test.qemu} or HOLDFAST_TEST_QEMU names. */
    private static QemuSettings emulator(Path run) {
        String unpacked = System.getProperty("holdfast.test.qemu", System.getenv("HOLDFAST_TEST_QEMU"));
        QemuSettings settings = unpacked == null || unpacked.isEmpty()
                ? QemuSettings.installed(run)
                : QemuSettings.unpacked(Path.of(unpacked), run);
        String user = System.getenv().getOrDefault("HOLDFAST_TEST_QEMU_USER", "");
        return user.isEmpty() ? settings : settings.with(Optional.of(user), true);
    }

    private TreeMap<String, Path> disks(String guest, String size, ImageForm first, Imaging second) throws Exception {
        Path raw = root.resolve("boot.raw");
        try (InputStream boot = SnapshotLab.class.getResourceAsStream(guest)) {
            assertThat(boot).isNotNull();
            Files.write(raw, boot.readAllBytes());
        }
        run("truncate", "-s", size, raw.toString());
        Path empty = root.resolve("empty.raw");
        run("truncate", "-s", size, empty.toString());
        return new TreeMap<>(Map.of("d0", image("a", first, raw), "d1", second.image(this, empty)));
    }

    private Path image(String name, ImageForm form, Path raw) throws Exception {
        Path image = root.resolve(form.fileName(name));
        switch (form) {
            case QCOW2 ->
                run("qemu-img", "convert", "-q", "-f", "raw", "-O", "qcow2", raw.toString(), image.toString());
            case RAW -> Files.move(raw, image);
            case DEVICE -> {
                devices.add(LoopDevice.of(raw));
                Files.createSymbolicLink(image, devices.get(devices.size() - 1).path());
            }
        }
        return image;
    }

    VmDefinition definition(String machine) {
        return definition(machine, 64);
    }

    VmDefinition definition(String machine, long mebibytes) {
        return new VmDefinition(
                VM,
                HypervisorKind.QEMU,
                Optional.of(new VmDefinition.Hardware(
                        machine,
                        VmDefinition.Accelerator.TCG,
                        Optional.empty(),
                        1,
                        mebibytes << 20,
                        false,
                        Optional.empty(),
                        List.of(),
                        List.of())),
                Stream.of("d0", "d1")
                        .map(id -> new VmDefinition.Disk(id, inDefinition(chain.headFile(id), id)))
                        .toList());
    }

    /** From now on this becomes of what snapshots freeze of its disks. */
    void keep(Keep keep) {
        definition = new VmDefinition(
                VM,
                HypervisorKind.QEMU,
                definition.hardware(),
                definition.disks().stream()
                        .map(disk -> new VmDefinition.Disk(disk.id(), disk.path(), keep))
                        .toList());
    }

    /** A path for ever: with the form only if that is the form of all new layers. */
    private static Path inDefinition(Path image, String id) {
        return ImageForm.of(image) == ImageForm.QCOW2 ? image : image.resolveSibling(id);
    }

    /** As a new life of the agent would see it. */
    VmSnapshots snapshots() throws SnapshotException {
        return VmSnapshots.open(definition, new Slot(), tools());
    }

    SnapshotTools tools() {
        return new SnapshotTools(
                        hypervisor, images, new RecordingWatch(), InstantSource.system(), System::nanoTime, 16, storage)
                .with(recorded);
    }

    final class Slot implements VmSlot {
        @Override
        public Optional<RunningVm> running() {
            return vm.filter(RunningVm::isAlive);
        }

        @Override
        public void became(Optional<RunningVm> process) {
            vm = process;
            process.ifPresent(all::add);
        }
    }

    private final class RecordingWatch implements FreezeWatch {
        @Override
        public void arm(Name name, String operation, Duration deadline) {
            watched.add("arm");
            whenWatched.run();
        }

        @Override
        public String quiesce(Name name, String operation, Quiesce wish) {
            return wish == Quiesce.NO ? "no" : "done";
        }

        @Override
        public void restored(Name name, String operation, boolean runs) {
            watched.add("restored " + runs);
        }

        @Override
        public void disarm(Name name, String operation) {
            watched.add("disarm");
            whenDisarmed.run();
        }
    }

    void start() throws Exception {
        start(StartMode.NORMAL);
        awaitTicks(5);
    }

    void start(StartMode mode) throws HypervisorException {
        vm = Optional.of(hypervisor.start(definition, mode));
        all.add(vm.get());
    }

    /** As after the agent was restarted with other keys for memory images. */
    void restartWith(MemoryKeys keys) throws HypervisorException {
        hypervisor = new QemuHypervisor(emulator(root.resolve("run")), System::nanoTime, keys);
        reconnect();
    }

    /** As after the agent was restarted: a new connection to what runs. */
    void reconnect() throws HypervisorException {
        vm.ifPresent(RunningVm::close);
        vm = hypervisor.find(definition);
        vm.ifPresent(all::add);
    }

    /** From now on as on another node that has the same storage, and where nobody sees what runs on this one. */
    void goToAnotherNode() throws IOException {
        hypervisor =
                new QemuHypervisor(emulator(Files.createDirectories(root.resolve("other-node"))), System::nanoTime);
        vm = Optional.empty();
    }

    void kill() throws HypervisorException {
        vm.orElseThrow().kill();
        vm.get().close();
        vm = Optional.empty();
    }

    String operation() {
        operations++;
        return "op-" + operations;
    }

    SnapshotRequest request(String name, CaptureMethod method) {
        return new SnapshotRequest(operation(), new Name(name), Optional.empty(), method, DEADLINE, "for a test");
    }

    VmReport create(String name, CaptureMethod method) throws SnapshotException {
        return snapshots().create(request(name, method), Quiesce.NO, Progress.NONE);
    }

    /** The same, after a round that was given up: a background stream cannot be called off, and is written to its end. */
    void createAfterAbandoned(String name, CaptureMethod method) {
        Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> {
            try {
                create(name, method);
                return true;
            } catch (SnapshotException e) {
                if (!e.because().text().contains("still being written")) {
                    throw e;
                }
                return false;
            }
        });
    }

    void delete(String name) throws SnapshotException {
        snapshots().delete(operation(), new Name(name), Progress.NONE);
    }

    void revert(String name) throws SnapshotException {
        snapshots().revert(operation(), new Name(name), true, Progress.NONE);
    }

    // ---- what the guest says ----

    List<String> console() throws IOException {
        Path console = root.resolve("run/vms/web/console");
        return Files.exists(console)
                ? Files.readString(console, StandardCharsets.ISO_8859_1).lines().toList()
                : List.of();
    }

    private List<String> ticks() throws IOException {
        return console().stream().filter(line -> line.matches("T[0-9A-F]{8}")).toList();
    }

    /** The number that the guest has counted to. */
    long counter() throws IOException {
        List<String> ticks = ticks();
        return ticks.isEmpty() ? 0 : Long.parseLong(ticks.get(ticks.size() - 1).substring(1), 16);
    }

    /** The number that the guest of a machine that went back counted to first: it goes on counting while a test is late. */
    long firstCounted() throws IOException {
        return Long.parseLong(ticks().get(0).substring(1), 16);
    }

    void awaitTicks(int more) throws IOException {
        long before = ticks().size();
        Awaitility.await()
                .atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(10))
                .until(() -> ticks().size() >= before + more);
        assertThat(console()).doesNotContain("BAD");
    }

    // ---- what is on the disks ----

    /** Writes a pattern into the second disk, where the guest does not look: through QEMU if it runs. */
    void write(int pattern, int mebibyte) throws Exception {
        String command = "write -P %d %dM 64k".formatted(pattern, mebibyte);
        if (vm.isEmpty()) {
            Path image = chain.headFile("d1");
            run("qemu-io", "-f", ImageForm.of(image).format(), "-c", command, "-c", "flush", image.toString());
            return;
        }
        monitor(command);
        monitor("flush");
    }

    private void monitor(String command) throws Exception {
        try (QmpClient client = rescue()) {
            String words = client.execute(
                            "human-monitor-command",
                            Map.of(
                                    "command-line",
                                    "qemu-io -d /machine/peripheral/dev-d1/virtio-backend \"" + command + "\""),
                            DEADLINE)
                    .asText();
            assertThat(words).doesNotContain("failed").doesNotContain("rror").doesNotContain("conflict");
        }
    }

    /** Somebody else's connection to the machine. */
    QmpClient rescue() throws QmpException {
        return QmpClient.connect(root.resolve("run/vms/web/rescue.sock"), DEADLINE, System::nanoTime);
    }

    /** Reads a pattern from an image that may be open. */
    static void assertReads(Path image, int pattern, int mebibyte) throws Exception {
        run(
                "qemu-io",
                "-U",
                "-r",
                "-f",
                ImageForm.of(image).format(),
                "-c",
                "read -P %d %dM 64k".formatted(pattern, mebibyte),
                image.toString());
    }

    Map<String, List<Path>> open() throws Exception {
        Map<String, List<Path>> open = new HashMap<>();
        for (DiskState disk : vm.orElseThrow().disks()) {
            open.put(disk.id(), disk.layers());
        }
        return open;
    }

    List<String> files(String directory) throws IOException {
        try (Stream<Path> files = Files.list(chain.path().resolve(directory))) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    static String run(String... command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor())
                .as(String.join(" ", command) + ": " + output)
                .isZero();
        assertThat(output).doesNotContain("verification failed");
        return output;
    }

    /** Sends a signal to the process that is loaded beside the machine. */
    void signalBeside(String signal) throws Exception {
        try (Stream<Path> files = Files.walk(root.resolve("run/vms/web"))) {
            for (Path pid : files.filter(file -> file.endsWith("pid")
                            && file.getParent().getFileName().toString().matches("r[0-9]+"))
                    .toList()) {
                run("kill", "-s", signal, Files.readString(pid).strip());
            }
        }
    }

    /** The processes of the machine that live, also those that are loaded beside it. */
    List<Long> processes() throws IOException {
        try (Stream<Path> files = Files.walk(root.resolve("run/vms/web"))) {
            List<Long> alive = new ArrayList<>();
            for (Path pid : files.filter(file -> file.endsWith("pid")).toList()) {
                long number = Long.parseLong(Files.readString(pid).strip());
                ProcessIdentity.of(number).filter(ProcessIdentity::isAlive).ifPresent(identity -> alive.add(number));
            }
            return alive;
        }
    }

    /** As if the agent had died right after it noted that the machine is stopped. */
    void noteStopped() throws IOException {
        new ChainExecutor(
                        chain,
                        images,
                        LiveDisks.NONE,
                        InstantSource.system(),
                        ChainExecutor.Removal.QUARANTINE,
                        Progress.NONE)
                .writeIntent(chain.intent().orElseThrow().with(Intent.After.STOPPED));
    }

    /** Every process is killed, and the resource agent's note left. */
    void stopAsPacemakerDoes() throws IOException, HypervisorException {
        kill();
        killBeside();
        Awaitility.await().until(() -> processes().isEmpty());
        Files.writeString(root.resolve("run/vms/web/stopped"), "stopped by pacemaker\n");
    }

    /** Kills processes that were loaded beside and never took the machine's place; some may be ending already. */
    void killBeside() throws IOException {
        for (ProcessIdentity process : ProcessIdentity.naming(root + "/")) {
            process.signal(true);
        }
    }

    @Override
    public void close() throws IOException {
        for (RunningVm each : all) {
            each.close();
            each.identity().process().orElseThrow().signal(true);
        }
        killBeside();
        for (LoopDevice device : devices) {
            device.close();
        }
        try (Stream<Path> files = Files.walk(root)) {
            files.sorted(Comparator.reverseOrder()).forEach(SnapshotLab::remove);
        }
    }

    private static void remove(Path path) {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
