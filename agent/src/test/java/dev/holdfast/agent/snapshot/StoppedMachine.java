package dev.holdfast.agent.snapshot;

import dev.holdfast.agent.Answers;
import dev.holdfast.agent.hypervisor.Hypervisor;
import dev.holdfast.agent.hypervisor.Keep;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.snapshot.chain.ChainDirectory;
import dev.holdfast.agent.snapshot.chain.QemuImages;
import dev.holdfast.agent.storage.Commands;
import dev.holdfast.agent.storage.directory.DirectoryStore;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import dev.holdfast.coordinator.protocol.RoundOptions.Quiesce;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The snapshots of a machine that does not run, with one raw disk and the real {@code qemu-img}.
 *
 * @param directory of its chain; a real path
 * @param keep what becomes of its disk
 */
record StoppedMachine(Path directory, Keep keep) {
    static final Name WEB = new Name("web");

    VmDefinition definition() {
        return OneDisk.definition(WEB, new VmDefinition.Disk("d0", directory.resolve("head/d0"), keep));
    }

    /** Makes an image its disk. */
    void adopt(Path image) throws SnapshotException {
        new DiskImport(new QemuImages("qemu-img"), InstantSource.system(), List::of).adopt(definition(), "d0", image);
    }

    /** @param tool clones files */
    VmSnapshots snapshots(Commands tool) throws SnapshotException {
        SnapshotTools tools = OneDisk.tools(
                Answers.of(
                        Hypervisor.class,
                        Map.of(
                                "ownsLayers",
                                () -> true,
                                "find",
                                Optional::empty,
                                "mayRun",
                                () -> false,
                                "isBarred",
                                () -> false)),
                store(tool));
        return VmSnapshots.open(definition(), OneDisk.STOPPED, tools);
    }

    private DirectoryStore store(Commands tool) {
        return new DirectoryStore(tool, vm -> Optional.of(directory.resolve("layers")));
    }

    /** What becomes of its disk, for people. */
    String storage(Commands tool) throws IOException {
        return new StoredCopies(ChainDirectory.open(directory), definition(), store(tool), Optional.empty())
                .disks()
                .get(0)
                .text();
    }

    static void create(VmSnapshots vm, String name) throws SnapshotException {
        SnapshotRequest request = new SnapshotRequest(
                "op-" + name, new Name(name), Optional.empty(), CaptureMethod.DISK_ONLY, Duration.ofSeconds(5), "");
        vm.create(request, Quiesce.NO, Progress.NONE);
    }
}
