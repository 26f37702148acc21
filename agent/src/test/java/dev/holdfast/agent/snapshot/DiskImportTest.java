package dev.holdfast.agent.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.hypervisor.LoopDevice;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.snapshot.chain.ChainDirectory;
import dev.holdfast.agent.snapshot.chain.Layer;
import dev.holdfast.agent.snapshot.chain.QemuImages;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Images that become the first layers of a chain, as copies or as they are, with the real {@code qemu-img}. */
class DiskImportTest {
    private static final long BYTES = 1 << 20;

    @TempDir
    private Path temporary;

    private Path root;
    private Path chain;
    private final List<VmDefinition> defined = new ArrayList<>();
    private final DiskImport imports =
            new DiskImport(new QemuImages("qemu-img"), InstantSource.system(), () -> defined);

    @BeforeEach
    void resolve() throws IOException {
        root = temporary.toRealPath();
        chain = root.resolve("web.holdfast");
    }

    private VmDefinition definition(String... disks) {
        return definition(new Name("web"), disks);
    }

    private VmDefinition definition(Name vm, String... disks) {
        return OneDisk.definition(
                vm,
                Stream.of(disks)
                        .map(name -> new VmDefinition.Disk(
                                name.replaceFirst("\\..*", ""),
                                root.resolve(vm + ".holdfast/head").resolve(name)))
                        .toArray(VmDefinition.Disk[]::new));
    }

    private Path raw(String name) throws IOException {
        Path file = root.resolve(name);
        try (RandomAccessFile image = new RandomAccessFile(file.toFile(), "rw")) {
            image.setLength(BYTES);
        }
        return file;
    }

    private Path layer(String disk, ImageForm form) throws IOException {
        return ChainDirectory.open(chain).file(new Layer(disk, 1, form));
    }

    private static void assertRefused(ThrowingCallable what, String... words) {
        var thrown = assertThatThrownBy(what).isInstanceOf(SnapshotException.class);
        for (String word : words) {
            thrown.hasMessageContaining(word);
        }
    }

    @Test
    void aRawFileIsMovedAndACopyOfAnotherStandsBesideIt() throws Exception {
        Path first = raw("first.img");
        Path second = raw("second.img");
        VmDefinition web = definition("d0", "d1.qcow2");
        assertThat(imports.adopt(web, "d0", first)).containsExactly("d1");
        assertThat(first).doesNotExist();
        assertThat(imports.copy(web, "d1", second)).isEmpty();
        assertThat(second).exists();
        assertThat(layer("d0", ImageForm.RAW)).hasSize(BYTES);
        assertThat(ChainDirectory.open(chain).diskBytes().values()).containsOnly(BYTES);
        assertThat(root.resolve(".web.holdfast.import")).doesNotExist();
    }

    @Test
    void theNameOfABlockDeviceIsKept() throws Exception {
        try (LoopDevice device = LoopDevice.of(raw("behind.img"))) {
            assertThat(imports.adopt(definition("d0"), "d0", device.path())).isEmpty();
            assertThat(Files.readSymbolicLink(layer("d0", ImageForm.DEVICE))).isEqualTo(device.path());
            assertThat(ChainDirectory.open(chain).diskBytes().values()).containsExactly(BYTES);
        }
    }

    @Test
    void aDeviceThatSomebodyUsesIsRefused() throws Exception {
        try (LoopDevice device = LoopDevice.of(raw("behind.img"))) {
            SnapshotLab.run("mkfs.ext4", "-q", device.path().toString());
            Path place = Files.createDirectory(root.resolve("mounted"));
            SnapshotLab.run("mount", device.path().toString(), place.toString());
            try {
                assertRefused(
                        () -> imports.adopt(definition("d0"), "d0", device.path()),
                        device.path() + " is in use",
                        "is mounted on " + place);
            } finally {
                SnapshotLab.run("umount", place.toString());
            }
        }
    }

    @Test
    void aDeviceMustHaveANameThatLasts() {
        for (String name : new String[] {"sda", "vdb2", "nvme0n1", "nvme0n1p3", "dm-3", "md127"}) {
            assertRefused(
                    () -> imports.adopt(definition("d0"), "d0", Path.of("/dev", name)),
                    "/dev/" + name + " may be another device after the next boot",
                    "/dev/disk/by-id");
        }
    }

    @Test
    void whatCannotBeTakenAsItIsStaysWhereItIs() throws Exception {
        Path qcow2 = root.resolve("a.qcow2");
        SnapshotLab.run("qemu-img", "create", "-q", "-f", "qcow2", qcow2.toString(), "1M");
        assertRefused(() -> imports.adopt(definition("d0"), "d0", qcow2), "is of format qcow2", "without --in-place");
        Path odd = Files.writeString(root.resolve("odd.img"), "x".repeat(700));
        assertRefused(() -> imports.adopt(definition("d0"), "d0", odd), "has 700 bytes", "truncate -s %512");
        Path raw = raw("raw.img");
        assertRefused(
                () -> imports.adopt(definition("d0.qcow2"), "d0", raw),
                "head/d0.qcow2, which is there for qcow2 images only",
                "write " + chain.resolve("head/d0") + " in");
        Files.createLink(root.resolve("second.img"), raw);
        assertRefused(() -> imports.adopt(definition("d0"), "d0", raw), "another name", "hard link");
        Files.delete(root.resolve("second.img"));
        assertThat(qcow2).exists();
        assertThat(odd).exists();
        assertThat(raw).exists();
        assertThat(chain).doesNotExist();
    }

    @Test
    void aFileOnAnotherFileSystemIsNotMoved() throws Exception {
        Path elsewhere = Files.createTempFile(Path.of("/dev/shm"), "holdfast-import-test-", ".img");
        try {
            Files.write(elsewhere, new byte[(int) BYTES]);
            assertRefused(
                    () -> imports.adopt(definition("d0"), "d0", elsewhere),
                    elsewhere.toString(),
                    "different file systems");
            assertThat(elsewhere).hasSize(BYTES);
        } finally {
            Files.deleteIfExists(elsewhere);
        }
    }

    @Test
    void asLongAsDisksAreMissingAnImageThatWasTakenIsNotReplaced() throws Exception {
        VmDefinition web = definition("d0", "d1");
        Path first = raw("first.img");
        imports.adopt(web, "d0", first);
        Path staged = root.resolve(".web.holdfast.import/d0.raw");
        Path other = raw("other.img");
        assertRefused(() -> imports.adopt(web, "d0", other), "imported already, as " + staged);
        assertRefused(() -> imports.copy(web, "d0", other), "imported already, as " + staged);
        assertThat(other).exists();
        assertThat(imports.adopt(web, "d0", staged)).as("repeated").containsExactly("d1");
        assertThat(imports.adopt(web, "d1", other)).isEmpty();
    }

    /** It was cut off when one image had become a layer. */
    @Test
    void anImportThatWasCutOffIsRepeatedWithTheFileWhereItIsNow() throws Exception {
        imports.adopt(definition("d0"), "d0", raw("first.img"));
        Path layer = layer("d0", ImageForm.RAW);
        Files.delete(chain.resolve("head"));
        assertThat(imports.adopt(definition("d0"), "d0", layer)).isEmpty();
        assertThat(layer("d0", ImageForm.RAW)).hasSize(BYTES);
        assertRefused(() -> imports.adopt(definition("d0"), "d0", layer), "is a chain already");
    }

    /** Its machine may be stopped, so that neither a lock nor lsblk tells. */
    @Test
    void aDeviceOfAnotherMachineOfThisNodeIsRefused() throws Exception {
        VmDefinition web = definition("d0");
        VmDefinition second = definition(new Name("second"), "d0", "d1");
        defined.addAll(List.of(web, second));
        try (LoopDevice device = LoopDevice.of(raw("behind.img"))) {
            Path otherName = Files.createSymbolicLink(root.resolve("volume"), device.path());
            assertThat(imports.adopt(second, "d1", otherName)).containsExactly("d0");
            assertRefused(
                    () -> imports.adopt(web, "d0", device.path()),
                    device.path() + " is an image of machine second already",
                    ".second.holdfast.import/d1.dev");
            assertRefused(() -> imports.adopt(second, "d0", device.path()), "of machine second already");
            imports.adopt(second, "d0", raw("first.img"));
            assertRefused(() -> imports.adopt(web, "d0", device.path()), "second.holdfast/layers/d1-000001.dev");
        }
    }

    @Test
    void anImageThatAnotherMachineNamesIsRefused() throws Exception {
        Path image = raw("named.img");
        defined.add(OneDisk.definition(new Name("plain"), new VmDefinition.Disk("d0", image)));
        assertRefused(() -> imports.adopt(definition("d0"), "d0", image), "of machine plain already");
        assertThat(image).exists();
    }

    @Test
    void aLayerOfAnotherChainIsNotMovedOutOfIt() throws Exception {
        VmDefinition second = definition(new Name("second"), "d0", "d1");
        imports.adopt(definition("d0"), "d0", raw("web.img"));
        assertRefused(
                () -> imports.adopt(second, "d0", chain.resolve("head/d0.raw")),
                layer("d0", ImageForm.RAW) + " is in a chain",
                "without --in-place");
        imports.adopt(second, "d0", raw("second.img"));
        Path staged = root.resolve(".second.holdfast.import/d0.raw");
        assertRefused(() -> imports.adopt(second, "d1", staged), staged + " is in a chain");
        assertThat(layer("d0", ImageForm.RAW)).exists();
        assertThat(staged).exists();
    }

    @Test
    void aFileBehindALoopDeviceIsRefused() throws Exception {
        Path image = raw("behind.img");
        try (LoopDevice device = LoopDevice.of(image)) {
            assertRefused(
                    () -> imports.adopt(definition("d0"), "d0", image),
                    image + " is in use",
                    "losetup --detach " + device.path());
        }
        assertThat(image).exists();
    }

    /** Two images would be there for one disk, and the first delete would remove one of them. */
    @Test
    void anImportThatWasCutOffIsNotRepeatedWithAnotherImage() throws Exception {
        VmDefinition web = definition("d0");
        imports.adopt(web, "d0", raw("first.img"));
        Path layer = layer("d0", ImageForm.RAW);
        Files.delete(chain.resolve("head"));
        Path other = raw("other.img");
        assertRefused(() -> imports.adopt(web, "d0", other), "of disk d0 " + layer, "name it with --in-place");
        assertRefused(() -> imports.copy(web, "d0", other), "of disk d0 " + layer, "move it back");
        assertThat(other).exists();
        Files.delete(layer);
        imports.copy(web, "d0", other);
        Files.delete(chain.resolve("head"));
        assertRefused(() -> imports.adopt(web, "d0", other), "d0-000001.qcow2 already; it is a copy; move it away");
        assertRefused(() -> imports.copy(web, "d0", other), "d0-000001.qcow2 already; it is a copy; move it away");
        assertThat(chain.resolve("layers")).isDirectoryNotContaining("glob:**.raw");
    }
}
