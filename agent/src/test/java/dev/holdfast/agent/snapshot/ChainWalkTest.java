package dev.holdfast.agent.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.hypervisor.HypervisorKind;
import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.qemu.QemuHypervisor;
import dev.holdfast.agent.hypervisor.qemu.QemuSettings;
import dev.holdfast.agent.process.BoundedProcess;
import dev.holdfast.agent.snapshot.chain.ChainDirectory;
import dev.holdfast.agent.snapshot.chain.ChainException;
import dev.holdfast.agent.snapshot.chain.ChainImport;
import dev.holdfast.agent.snapshot.chain.DiskImages;
import dev.holdfast.agent.snapshot.chain.Layer;
import dev.holdfast.agent.snapshot.chain.QemuImages;
import dev.holdfast.agent.snapshot.chain.SnapshotRecord;
import dev.holdfast.agent.storage.Commands;
import dev.holdfast.agent.storage.HostCommands;
import dev.holdfast.agent.storage.ImageStore;
import dev.holdfast.agent.storage.ImageStores;
import dev.holdfast.agent.storage.LoopFileSystem;
import dev.holdfast.agent.storage.directory.DirectoryStore;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import dev.holdfast.coordinator.protocol.RoundOptions.Quiesce;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Random operations on a machine that is stopped, with the real qemu-img, some of them failing in the middle. After each, the
 * head and every snapshot must read what they should. The seed is enough to repeat a walk.
 */
@Tag("qemu")
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ChainWalkTest {
    private static final int STEPS = 25;
    private static final int BLOCKS = 6;
    private static final String KILLED = "killed here";

    @TempDir
    private Path root;

    private final TreeMap<Name, int[]> snapshots = new TreeMap<>();
    private final List<String> log = new ArrayList<>();
    private int[] head = new int[BLOCKS];
    private int pattern;
    private int callsUntilFailure = Integer.MAX_VALUE;
    private ChainDirectory chain;
    private Path directory;
    private ImageStore storage = new ImageStores(List.of());

    @BeforeEach
    void lieWhereOthersDo() {
        directory = root;
    }

    /** Fails once after some calls, as if the agent had been killed there: nothing after it is done. */
    private final class FailingImages implements DiskImages {
        private final DiskImages real = new QemuImages("qemu-img");

        private void count() throws IOException {
            callsUntilFailure--;
            if (callsUntilFailure == 0) {
                throw new ChainException(KILLED);
            }
        }

        @Override
        public void create(Path image, long virtualBytes) throws IOException {
            real.create(image, virtualBytes);
        }

        @Override
        public void createOverlay(Path overlay, Path backing) throws IOException {
            count();
            real.createOverlay(overlay, backing);
            count();
        }

        @Override
        public void createOverlay(Path overlay, Path backing, long virtualBytes) throws IOException {
            count();
            real.createOverlay(overlay, backing, virtualBytes);
            count();
        }

        @Override
        public void commit(Path top, Path base, Progress progress) throws IOException {
            count();
            real.commit(top, base, progress);
            count();
        }

        @Override
        public void relink(Path image, Path backing) throws IOException {
            count();
            real.relink(image, backing);
            count();
        }

        @Override
        public boolean isEven(Path top, Path base) throws IOException {
            return real.isEven(top, base);
        }

        @Override
        public void check(Path image) throws IOException {
            real.check(image);
        }

        @Override
        public boolean isWritten(Path image) throws IOException {
            return real.isWritten(image);
        }
    }

    private static final class NoWatch implements FreezeWatch {
        @Override
        public void arm(Name vm, String operation, Duration deadline) {}

        @Override
        public String quiesce(Name vm, String operation, Quiesce wish) {
            return "no";
        }

        @Override
        public void restored(Name vm, String operation, boolean runs) {}

        @Override
        public void disarm(Name vm, String operation) {}
    }

    /** The agent is gone: nobody puts right what it has begun. */
    private static final class KilledException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        KilledException() {
            super(KILLED);
        }
    }

    /** Kills the agent once after some commands of its storage. */
    private final class FailingCommands implements Commands {
        private final Commands real = new HostCommands();

        private void count() {
            callsUntilFailure--;
            if (callsUntilFailure == 0) {
                throw new KilledException();
            }
        }

        @Override
        public BoundedProcess.Ended run(List<String> command, Duration bound) throws IOException {
            if (command.get(command.size() - 1).contains(".trial-")) {
                // Whoever dies before a change has begun leaves what fsck finds, as after any other death there.
                return real.run(command, bound);
            }
            count();
            BoundedProcess.Ended ended = real.run(command, bound);
            count();
            return ended;
        }

        @Override
        public Optional<BoundedProcess.Ended> finish(List<String> command, Duration patience) {
            throw new AssertionError("files are copied by what ends with the agent");
        }
    }

    private VmSnapshots open(FailingImages images) throws SnapshotException {
        VmDefinition definition = new VmDefinition(
                new Name("web"),
                HypervisorKind.QEMU,
                Optional.of(new VmDefinition.Hardware(
                        "pc-q35-7.2",
                        VmDefinition.Accelerator.TCG,
                        Optional.empty(),
                        1,
                        64L << 20,
                        false,
                        Optional.empty(),
                        List.of(),
                        List.of())),
                List.of(new VmDefinition.Disk("d0", chain.path().resolve("head/d0"))));
        QemuHypervisor hypervisor = new QemuHypervisor(QemuSettings.installed(root.resolve("run")), System::nanoTime);
        InstantSource clock = InstantSource.fixed(Instant.EPOCH);
        return VmSnapshots.open(
                definition,
                OneDisk.STOPPED,
                new SnapshotTools(hypervisor, images, new NoWatch(), clock, System::nanoTime, 2, storage));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void everySnapshotReadsWhatItReadWhenItWasTaken(long seed) throws Exception {
        walk(seed, ImageForm.QCOW2);
    }

    @ParameterizedTest
    @ValueSource(longs = {5, 6})
    void soItDoesWhenTheFirstLayerIsARawFile(long seed) throws Exception {
        walk(seed, ImageForm.RAW);
    }

    /** Whatever stands on the raw file is kept as a clone, so that it is written again as soon as layers are merged. */
    @ParameterizedTest
    @ValueSource(longs = {100, 101})
    void soItDoesWhenSnapshotsOfTheRawFileAreKeptAsClones(long seed) throws Exception {
        try (LoopFileSystem xfs = new LoopFileSystem("xfs", root)) {
            directory = xfs.point();
            storage = new DirectoryStore(
                    new FailingCommands(), vm -> Optional.of(directory.resolve("web.holdfast/layers")));
            walk(seed, ImageForm.RAW);
            assertThat(log).contains("kept");
        }
    }

    private void walk(long seed, ImageForm first) throws Exception {
        Random random = new Random(seed);
        FailingImages images = new FailingImages();
        Path empty = directory.resolve(first.fileName("empty"));
        SnapshotLab.run("qemu-img", "create", "-q", "-f", first.format(), empty.toString(), "8M");
        chain = new ChainImport(images, InstantSource.system())
                .importDisks(directory.resolve("web.holdfast"), new TreeMap<>(Map.of("d0", empty)));
        VmSnapshots vm = open(images);
        for (int step = 0; step < STEPS; step++) {
            write(random.nextInt(BLOCKS));
            callsUntilFailure = random.nextInt(3) == 0 ? 1 + random.nextInt(4) : Integer.MAX_VALUE;
            operation(vm, random, "op-" + step);
            callsUntilFailure = Integer.MAX_VALUE;
            // A new life of the agent, as after each start.
            vm = open(images);
            vm.recover(operation -> Fate.TAKE_BACK);
            check(vm, "seed " + seed + ", " + log);
        }
    }

    private void operation(VmSnapshots vm, Random random, String operation) throws Exception {
        List<Name> names = List.copyOf(snapshots.keySet());
        try {
            switch (names.size() < 2 ? 0 : random.nextInt(4)) {
                case 0 -> create(vm, operation);
                case 1 -> revert(vm, operation, names.get(random.nextInt(names.size())));
                case 2 -> {
                    log.add("compact");
                    vm.compact(operation, Progress.NONE, () -> false);
                }
                default -> delete(vm, operation, names.get(random.nextInt(names.size())));
            }
        } catch (SnapshotException e) {
            assertThat(e).as(log::toString).hasMessage(KILLED);
            log.add("killed");
        } catch (KilledException e) {
            log.add("killed");
        }
    }

    private void create(VmSnapshots vm, String operation) throws SnapshotException {
        Name name = new Name("s-" + operation);
        log.add("create " + name);
        vm.create(
                new SnapshotRequest(
                        operation, name, Optional.empty(), CaptureMethod.DISK_ONLY, Duration.ofSeconds(5), ""),
                Quiesce.NO,
                Progress.NONE);
        snapshots.put(name, head.clone());
    }

    private void delete(VmSnapshots vm, String operation, Name name) throws SnapshotException {
        log.add("delete " + name);
        // Once it is asked for, it is gone, whatever becomes of its layers.
        snapshots.remove(name);
        vm.delete(operation, name, Progress.NONE);
    }

    private void revert(VmSnapshots vm, String operation, Name name) throws SnapshotException {
        log.add("revert " + name);
        int[] before = head.clone();
        vm.revert(operation, name, true, Progress.NONE);
        for (SnapshotInfo info : vm.list()) {
            if (info.snapshot().kind() == SnapshotRecord.Kind.BRANCH) {
                snapshots.putIfAbsent(info.snapshot().name(), before);
            }
        }
        head = snapshots.get(name).clone();
    }

    private void write(int block) throws Exception {
        pattern = pattern % 250 + 1;
        head[block] = pattern;
        log.add("write " + block + ":" + pattern);
        Path image = chain.headFile("d0");
        String command = "write -P %d %dM 64k".formatted(pattern, block);
        SnapshotLab.run("qemu-io", "-f", ImageForm.of(image).format(), "-c", command, image.toString());
    }

    private void check(VmSnapshots vm, String history) throws Exception {
        assertReads(chain.headFile("d0"), head, history);
        assertThat(vm.list())
                .as(history)
                .extracting(info -> info.snapshot().name())
                .containsExactlyInAnyOrderElementsOf(snapshots.keySet());
        for (SnapshotInfo info : vm.list()) {
            Path layer = chain.file(info.snapshot().disks().get(0).asLayer());
            assertReads(
                    layer,
                    snapshots.get(info.snapshot().name()),
                    info.snapshot().name() + ": " + history);
        }
        if (chain.graph().backing().keySet().stream().anyMatch(Layer::isCopy)) {
            log.add("kept");
        }
        assertThat(vm.look().problems()).as(history).isEmpty();
        assertThat(vm.look().leftovers()).as(history).isEmpty();
    }

    private static void assertReads(Path image, int[] content, String history) throws Exception {
        List<String> command = new ArrayList<>(
                List.of("qemu-io", "-r", "-U", "-f", ImageForm.of(image).format()));
        for (int block = 0; block < content.length; block++) {
            command.addAll(List.of("-c", "read -P %d %dM 64k".formatted(content[block], block)));
        }
        command.add(image.toString());
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        assertThat(process.waitFor())
                .as(Arrays.toString(content) + " " + history + "\n" + output)
                .isZero();
        assertThat(output).as(history).doesNotContain("verification failed");
    }
}
