package dev.holdfast.agent.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.Answers;
import dev.holdfast.agent.hypervisor.Hypervisor;
import dev.holdfast.agent.hypervisor.Keep;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.snapshot.chain.ChainImport;
import dev.holdfast.agent.snapshot.chain.QemuImages;
import dev.holdfast.agent.storage.FileVolumes;
import dev.holdfast.agent.storage.ImageStore.Standing;
import dev.holdfast.agent.storage.ImageStore.Way;
import dev.holdfast.agent.storage.StorageException;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import dev.holdfast.coordinator.protocol.RoundOptions.Quiesce;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of a disk on DRBD whose machine is stopped. A file stands in for the device; DRBD itself is in {@code DrbdGuestTest}. */
class ReplicatedVolumesTest {
    private static final Name ONE = new Name("one");
    private static final int BYTES = 1 << 20;
    private static final String COPY = "web+d0-000003-of-000001";
    private static final Standing AWAY =
            new Standing(List.of(), List.of("DRBD resource r0: n2 is Connecting, replication Off"));
    private static final Standing SECONDARY =
            new Standing(List.of("DRBD resource r0 is Secondary on this node"), List.of());

    @TempDir
    private Path temporary;

    private Path group;
    private Path directory;
    private FileVolumes store;

    @BeforeEach
    void importADevice() throws Exception {
        group = Files.createDirectory(temporary.toRealPath().resolve("vg0"));
        directory = group.resolveSibling("web.holdfast");
        Path volume = Files.write(group.resolve("web"), new byte[BYTES]);
        Path link = Files.createSymbolicLink(group.resolveSibling("d0.dev"), volume);
        new ChainImport(new QemuImages("qemu-img"), InstantSource.system())
                .importDisks(directory, new TreeMap<>(Map.of("d0", link)));
        store = new FileVolumes(group, Way.THIN);
        store.replicated = "web";
    }

    private VmDefinition definition(Keep keep) {
        return OneDisk.definition(
                new Name("web"), new VmDefinition.Disk("d0", directory.resolve("head/d0"), keep, 100));
    }

    private VmSnapshots snapshots(Keep keep) throws SnapshotException {
        Hypervisor stopped = Answers.of(
                Hypervisor.class,
                Map.of(
                        "ownsLayers",
                        () -> true,
                        "find",
                        Optional::empty,
                        "mayRun",
                        () -> false,
                        "isBarred",
                        () -> false));
        return VmSnapshots.open(definition(keep), OneDisk.STOPPED, OneDisk.tools(stopped, store));
    }

    private static SnapshotRequest request(Name name) {
        return new SnapshotRequest(
                "op-" + name, name, Optional.empty(), CaptureMethod.DISK_ONLY, Duration.ofSeconds(5), "");
    }

    private static void create(VmSnapshots vm, SnapshotRequest request) throws SnapshotException {
        vm.create(request, Quiesce.NO, Progress.NONE);
        vm.compact("op", Progress.NONE, () -> false);
    }

    private static void deleteAll(VmSnapshots vm) throws SnapshotException {
        for (SnapshotInfo info : vm.list()) {
            vm.delete("op", info.snapshot().name(), Progress.NONE);
        }
    }

    private List<String> layers() throws IOException {
        try (Stream<Path> files = Files.list(directory.resolve("layers"))) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    private DiskStorage told(Keep keep) throws SnapshotException {
        return DiskStorage.of(definition(keep), store).get(0);
    }

    private void write(String text) throws IOException {
        Files.writeString(group.resolve("web"), text, StandardOpenOption.WRITE);
    }

    private static String begin(Path volume) throws IOException {
        return new String(Files.readAllBytes(volume), 0, "first".length(), StandardCharsets.US_ASCII);
    }

    @Test
    void theVolumeBelowIsCopiedAndTheDeviceIsTheDiskAgain() throws Exception {
        write("first");
        VmSnapshots vm = snapshots(Keep.AUTO);
        create(vm, request(ONE));
        assertThat(layers()).containsExactly("d0-000001.dev", "d0-000003-of-000001.cow");
        assertThat(directory.resolve("head/d0.dev").toRealPath()).isEqualTo(group.resolve("web"));
        assertThat(group.resolve(COPY)).hasSize(BYTES + FileVolumes.NOTES);
        assertThat(begin(group.resolve(COPY))).isEqualTo("first");
        assertThat(vm.verify(ONE, Progress.NONE).problems()).isEmpty();
        assertThat(told(Keep.AUTO).text()).isEqualTo("thin (THIN volume web)");
        vm.delete("op", ONE, Progress.NONE);
        assertThat(layers()).containsExactly("d0-000001.dev");
        assertThat(group.resolve(COPY)).doesNotExist();
    }

    @Test
    void aRevertPutsALayerOfTheDevicesSizeOnTheCopyAndNothingGoesIntoThat() throws Exception {
        write("first");
        VmSnapshots vm = snapshots(Keep.THIN);
        create(vm, request(ONE));
        write("later");
        vm.revert("op-revert", ONE, true, Progress.NONE);
        vm.compact("op", Progress.NONE, () -> false);
        assertThat(vm.chain().diskBytes()).containsEntry("d0", (long) BYTES);
        assertThat(told(Keep.THIN).text()).contains("layer (THIN volume " + COPY, "on this node alone");
        assertThat(told(Keep.THIN).obstacle().orElseThrow()).contains("no other node can run its machine");
        deleteAll(vm);
        assertThat(directory.resolve("head/d0.qcow2"))
                .as("what it stands on is no disk")
                .exists();
        assertThat(layers()).contains("d0-000001.dev", "d0-000003-of-000001.cow");
        assertThat(begin(group.resolve("web"))).isEqualTo("later");
        assertThat(begin(group.resolve(COPY))).isEqualTo("first");
    }

    @Test
    void theWayBackToTheDeviceIsTheBranch() throws Exception {
        VmSnapshots vm = snapshots(Keep.THIN);
        create(vm, request(ONE));
        write("later");
        vm.revert("op-revert", ONE, true, Progress.NONE);
        Name branch = vm.list().stream()
                .map(info -> info.snapshot().name())
                .filter(name -> !name.equals(ONE))
                .findFirst()
                .orElseThrow();
        vm.revert("op-back", branch, true, Progress.NONE);
        deleteAll(vm);
        assertThat(layers()).containsExactly("d0-000001.dev");
        assertThat(directory.resolve("head/d0.dev").toRealPath()).isEqualTo(group.resolve("web"));
        assertThat(begin(group.resolve("web"))).isEqualTo("later");
    }

    @Test
    void withoutTheOtherNodeItIsRefusedUnlessThatIsAllowed() throws Exception {
        store.standing = AWAY;
        for (Keep keep : List.of(Keep.AUTO, Keep.LAYER)) {
            assertThatThrownBy(() -> create(snapshots(keep), request(ONE)))
                    .isInstanceOf(SnapshotException.class)
                    .hasMessageContainingAll("disk d0 of web", "n2 is Connecting", "--allow-degraded");
        }
        assertThat(layers()).containsExactly("d0-000001.dev");
        assertThat(told(Keep.AUTO).text()).contains("thin (THIN volume web; DRBD resource r0: n2 is Connecting");
        assertThat(told(Keep.AUTO).refusals()).singleElement().asString().contains("--allow-degraded");
        create(snapshots(Keep.AUTO), request(ONE).withDegraded(true));
        assertThat(layers()).containsExactly("d0-000001.dev", "d0-000003-of-000001.cow");
    }

    @Test
    void whereTheDiskIsNotThisNodesItIsRefusedAlsoIfNothingIsCopied() throws Exception {
        create(snapshots(Keep.AUTO), request(ONE));
        store.standing = SECONDARY;
        for (Keep keep : List.of(Keep.AUTO, Keep.LAYER, Keep.INCREMENT)) {
            assertThatThrownBy(() ->
                            create(snapshots(keep), request(new Name("two")).withDegraded(true)))
                    .isInstanceOf(SnapshotException.class)
                    .hasMessageContainingAll("disk d0 of web cannot be captured on this node", "is Secondary");
        }
        assertThatThrownBy(() -> snapshots(Keep.AUTO).revert("op-revert", ONE, true, Progress.NONE))
                .hasMessageContainingAll("cannot be taken back on this node", "is Secondary");
        assertThat(layers()).containsExactly("d0-000001.dev", "d0-000003-of-000001.cow");
    }

    @Test
    void whatNobodyTellsIsNotTakenForGood() throws Exception {
        store.failure =
                Optional.of(new StorageException(StorageException.Kind.FAILED, "\"drbdsetup\" did not end within 5 s"));
        assertThatThrownBy(() -> create(snapshots(Keep.LAYER), request(ONE))).hasMessageContaining("within 5 s");
    }
}
