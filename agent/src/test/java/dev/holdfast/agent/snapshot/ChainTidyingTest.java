package dev.holdfast.agent.snapshot;

import static dev.holdfast.agent.snapshot.StoppedMachine.create;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.Keep;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.snapshot.chain.ChainDirectory;
import dev.holdfast.agent.storage.CopyingTool;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of the layers of a raw disk whose machine is stopped, with the real {@code qemu-img}. */
class ChainTidyingTest {
    @TempDir
    private Path temporary;

    private Path directory;
    private StoppedMachine machine;

    @BeforeEach
    void importARawDisk() throws Exception {
        directory = temporary.toRealPath().resolve("web.holdfast");
        machine = new StoppedMachine(directory, Keep.AUTO);
        machine.adopt(Files.write(directory.resolveSibling("web.img"), new byte[1 << 20]));
    }

    private List<String> layers() throws IOException {
        try (Stream<Path> files = Files.list(directory.resolve("layers"))) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void layersAreMergedAlsoIfASnapshotCannotBeKeptAsACopy() throws Exception {
        VmSnapshots vm = machine.snapshots(CopyingTool.withoutRoom());
        create(vm, "one");
        create(vm, "two");
        assertThatThrownBy(() -> vm.delete("op", new Name("two"), Progress.NONE))
                .isInstanceOf(SnapshotException.class)
                .hasMessageContaining("No space left on device");
        assertThat(layers()).containsExactly("d0-000001.raw", "d0-000002.qcow2");
        assertThat(directory.resolve("intent.json")).doesNotExist();
        assertThat(vm.list()).hasSize(1);
    }

    @Test
    void aCopyThatCannotBeMadeIsAFailureAlsoIfSomebodyWaitsByThen() throws Exception {
        VmSnapshots vm = machine.snapshots(CopyingTool.withoutRoom());
        create(vm, "one");
        AtomicInteger asked = new AtomicInteger();
        assertThatThrownBy(() -> vm.compact("op", Progress.NONE, () -> asked.getAndIncrement() > 0))
                .isInstanceOf(SnapshotException.class)
                .hasMessageContaining("No space left on device");
    }

    /** The way of docs/storage.md from a layer that a delete has left on the disk to an image that is all of it. */
    @Test
    void aSnapshotThatIsMadeAndDeletedWhileTheMachineIsStoppedMakesTheDiskRawAgain() throws Exception {
        VmSnapshots vm = machine.snapshots(CopyingTool.withoutRoom());
        create(vm, "one");
        // As after a delete of a machine that runs, from which its last layer is not merged.
        Files.delete(directory.resolve("snapshots/one.json"));
        assertThat(directory.resolve("head/d0.raw")).doesNotExist();
        assertThat(DiskStorage.onNeedlessLayers(machine.definition())).containsExactly("d0");
        create(vm, "raw");
        assertThat(DiskStorage.onNeedlessLayers(machine.definition())).isEmpty();
        vm.delete("op", new Name("raw"), Progress.NONE);
        assertThat(DiskStorage.onNeedlessLayers(machine.definition())).isEmpty();
        assertThat(layers()).containsExactly("d0-000001.raw");
        assertThat(directory.resolve("head/d0.raw")).exists();
        assertThat(ChainDirectory.open(directory).headFile("d0")).isEqualTo(directory.resolve("head/d0.raw"));
    }

    @Test
    void whatASnapshotHasFrozenIsCopiedUnlessSomebodyWantsTheMachine() throws Exception {
        VmSnapshots vm = machine.snapshots(CopyingTool.willing());
        create(vm, "one");
        assertThat(vm.isUntidy()).isTrue();
        vm.compact("op", Progress.NONE, () -> true);
        assertThat(layers()).containsExactly("d0-000001.raw", "d0-000002.qcow2");
        vm.compact("op", Progress.NONE, () -> false);
        assertThat(layers()).containsExactly("d0-000001.raw", "d0-000003-of-000001.raw");
        assertThat(directory.resolve("head/d0.raw")).exists();
        assertThat(vm.isUntidy()).isFalse();
        assertThat(vm.list())
                .singleElement()
                .satisfies(info -> assertThat(info.current())
                        .as("what is written now was copied from it")
                        .isTrue());
        Verification verification = vm.verify(new Name("one"), Progress.NONE);
        assertThat(verification.problems()).isEmpty();
        assertThat(verification.unread())
                .singleElement()
                .asString()
                .contains("d0-000003-of-000001.raw is raw", "nor does anything tell what size it had");
        vm.delete("op", new Name("one"), Progress.NONE);
        assertThat(layers()).containsExactly("d0-000001.raw");
    }

    @Test
    void aDiskThatIsToStayOnItsLayersIsNotCopied() throws Exception {
        machine = new StoppedMachine(directory, Keep.LAYER);
        VmSnapshots vm = machine.snapshots(CopyingTool.willing());
        create(vm, "one");
        vm.compact("op", Progress.NONE, () -> false);
        assertThat(layers()).containsExactly("d0-000001.raw", "d0-000002.qcow2");
        assertThat(vm.verify(new Name("one"), Progress.NONE).unread())
                .singleElement()
                .asString()
                .endsWith("its size is right");
    }

    @Test
    void noSnapshotIsTakenOfADiskThatIsToBeClonedAndCannotBe() throws Exception {
        machine = new StoppedMachine(directory, Keep.CLONE);
        VmSnapshots vm = machine.snapshots(CopyingTool.refusing("Operation not supported"));
        assertThatThrownBy(() -> create(vm, "one"))
                .isInstanceOf(SnapshotException.class)
                .hasMessageContaining("disk d0 of web has keep = \"clone\"")
                .hasMessageContaining("Operation not supported");
        assertThat(layers()).containsExactly("d0-000001.raw");
        create(machine.snapshots(CopyingTool.willing()), "one");
    }
}
