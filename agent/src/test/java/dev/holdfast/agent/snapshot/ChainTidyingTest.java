package dev.holdfast.agent.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.Answers;
import dev.holdfast.agent.hypervisor.Hypervisor;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.process.BoundedProcess.Ended;
import dev.holdfast.agent.snapshot.chain.ChainDirectory;
import dev.holdfast.agent.snapshot.chain.QemuImages;
import dev.holdfast.agent.storage.Commands;
import dev.holdfast.agent.storage.directory.DirectoryStore;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import dev.holdfast.coordinator.protocol.RoundOptions.Quiesce;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of the layers of a raw disk whose machine is stopped, with the real {@code qemu-img}. */
class ChainTidyingTest {
    private static final Name WEB = new Name("web");

    @TempDir
    private Path temporary;

    private Path directory;
    private VmDefinition definition;

    private static final class Stopped implements VmSlot {
        @Override
        public Optional<RunningVm> running() {
            return Optional.empty();
        }

        @Override
        public void became(Optional<RunningVm> process) {
            throw new AssertionError("nothing starts it");
        }
    }

    /** A file system that can share blocks, and has room for trials only. */
    private static final class OnlyTrials implements Commands {
        @Override
        public Ended run(List<String> command, Duration bound) {
            boolean trial = command.get(command.size() - 1).contains(".trial-");
            return trial ? new Ended(0, "") : new Ended(1, "cp: failed to clone: No space left on device");
        }

        @Override
        public Optional<Ended> finish(List<String> command, Duration patience) {
            throw new AssertionError("nobody waits for a clone any longer");
        }
    }

    @BeforeEach
    void importARawDisk() throws Exception {
        directory = temporary.toRealPath().resolve("web.holdfast");
        definition = OneDisk.definition(WEB, new VmDefinition.Disk("d0", directory.resolve("head/d0")));
        Path image = Files.write(directory.resolveSibling("web.img"), new byte[1 << 20]);
        new DiskImport(new QemuImages("qemu-img"), InstantSource.system(), List::of).adopt(definition, "d0", image);
    }

    private VmSnapshots snapshots(Commands tool) throws SnapshotException {
        SnapshotTools tools = new SnapshotTools(
                Answers.of(
                        Hypervisor.class,
                        Map.of("ownsLayers", () -> true, "find", Optional::empty, "mayRun", () -> false)),
                new QemuImages("qemu-img"),
                Answers.of(FreezeWatch.class, Map.of()),
                InstantSource.system(),
                System::nanoTime,
                SnapshotTools.DEFAULT_MAX_DEPTH,
                new DirectoryStore(tool, vm -> Optional.of(directory.resolve("layers"))));
        return VmSnapshots.open(definition, new Stopped(), tools);
    }

    private static void create(VmSnapshots vm, String name) throws SnapshotException {
        SnapshotRequest request = new SnapshotRequest(
                "op-" + name, new Name(name), Optional.empty(), CaptureMethod.DISK_ONLY, Duration.ofSeconds(5), "");
        vm.create(request, Quiesce.NO, Progress.NONE);
    }

    private List<String> layers() throws IOException {
        try (Stream<Path> files = Files.list(directory.resolve("layers"))) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void layersAreMergedAlsoIfASnapshotCannotBeKeptAsACopy() throws Exception {
        VmSnapshots vm = snapshots(new OnlyTrials());
        create(vm, "one");
        create(vm, "two");
        assertThatThrownBy(() -> vm.delete("op", new Name("two"), Progress.NONE))
                .isInstanceOf(SnapshotException.class)
                .hasMessageContaining("No space left on device");
        assertThat(layers()).containsExactly("d0-000001.raw", "d0-000002.qcow2");
        assertThat(directory.resolve("intent.json")).doesNotExist();
        assertThat(vm.list()).hasSize(1);
    }

    /** The way of docs/storage.md from a layer that a delete has left on the disk to an image that is all of it. */
    @Test
    void aSnapshotThatIsMadeAndDeletedWhileTheMachineIsStoppedMakesTheDiskRawAgain() throws Exception {
        VmSnapshots vm = snapshots(new OnlyTrials());
        create(vm, "one");
        // As after a delete of a machine that runs, from which its last layer is not merged.
        Files.delete(directory.resolve("snapshots/one.json"));
        assertThat(directory.resolve("head/d0.raw")).doesNotExist();
        create(vm, "raw");
        vm.delete("op", new Name("raw"), Progress.NONE);
        assertThat(layers()).containsExactly("d0-000001.raw");
        assertThat(directory.resolve("head/d0.raw")).exists();
        assertThat(ChainDirectory.open(directory).headFile("d0")).isEqualTo(directory.resolve("head/d0.raw"));
    }
}
