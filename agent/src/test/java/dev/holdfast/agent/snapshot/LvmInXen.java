package dev.holdfast.agent.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.hypervisor.Keep;
import dev.holdfast.agent.hypervisor.LoopDevice;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.process.BoundedProcess.Ended;
import dev.holdfast.agent.snapshot.chain.Layer;
import dev.holdfast.agent.storage.Commands;
import dev.holdfast.agent.storage.HostCommands;
import dev.holdfast.agent.storage.lvm.LvmStore;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A real QEMU whose second disk is a real volume of LVM, with the agent's own classes. Run by {@code deploy/xen/junit}: the first domain of that Xen
 * has device mapper, whatever the kernel of its host has.
 */
@Tag("soak")
class LvmInXen {
    private static final Name ONE = new Name("one");
    private static final long GROUP_BYTES = 256L << 20;

    private Path file;
    private LoopDevice device;

    @BeforeEach
    void makeAGroup() throws Exception {
        file = Files.createTempFile(Path.of("/root"), "group", ".img");
        try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
            sparse.setLength(GROUP_BYTES);
        }
        device = LoopDevice.of(file);
        lvm("vgcreate", "vg0", device.path().toString());
    }

    @AfterEach
    void removeTheGroup() throws Exception {
        lvm("vgremove", "--force", "--force", "--yes", "vg0");
        device.close();
        Files.delete(file);
    }

    private static String lvm(String... command) throws Exception {
        return SnapshotLab.run(Stream.concat(Stream.of("env", "LVM_SUPPRESS_FD_WARNINGS=1"), Stream.of(command))
                .toArray(String[]::new));
    }

    /** An emulated processor is ten times as slow as a real one. */
    private record Patient(Commands commands) implements Commands {
        @Override
        public Ended run(List<String> command, Duration bound) throws IOException {
            return commands.run(command, bound.multipliedBy(10));
        }

        @Override
        public Optional<Ended> finish(List<String> command, Duration patience) throws IOException {
            return commands.finish(command, patience);
        }
    }

    /** All but the pool's. */
    private static List<String> volumes() throws Exception {
        return lvm("lvs", "--noheadings", "--options", "lv_name", "vg0")
                .lines()
                .map(String::strip)
                .filter(name -> !name.equals("pool"))
                .sorted()
                .toList();
    }

    private static SnapshotLab on(Path volume, Keep keep, int cowPercent) throws Exception {
        SnapshotLab lab = new SnapshotLab(ImageForm.RAW, volume);
        lab.storage = new LvmStore(new Patient(new HostCommands()));
        List<VmDefinition.Disk> disks = lab.definition.disks();
        lab.definition = lab.definition.withDisks(
                List.of(disks.get(0), new VmDefinition.Disk("d1", disks.get(1).path(), keep, cowPercent)));
        return lab;
    }

    private static void tidy(SnapshotLab lab) throws SnapshotException {
        lab.snapshots().compact(lab.operation(), Progress.NONE, () -> false);
    }

    private static Path copy(SnapshotLab lab, ImageForm form) throws IOException {
        return lab.chain.graph().backing().keySet().stream()
                .filter(layer -> layer.isCopy() && layer.form() == form)
                .map(lab.chain::file)
                .findFirst()
                .orElseThrow();
    }

    private static void makeAThinVolume() throws Exception {
        lvm("lvcreate", "--type", "thin-pool", "--size", "96M", "--name", "pool", "vg0");
        lvm("lvcreate", "--virtualsize", "16M", "--thinpool", "vg0/pool", "--name", "web");
    }

    @Test
    void aMachineGoesOnOnItsThinVolumeAndGoesBackToASnapshotOfIt() throws Exception {
        makeAThinVolume();
        try (SnapshotLab lab = on(Path.of("/dev/vg0/web"), Keep.AUTO, 100)) {
            Path home = lab.chain.file(new Layer("d1", 1, ImageForm.DEVICE));
            lab.start();
            lab.write(1, 4);
            lab.create("one", CaptureMethod.AUTO);
            tidy(lab);
            Path kept = copy(lab, ImageForm.DEVICE);
            assertThat(lab.open().get("d1")).as("it writes its volume again").containsExactly(home);
            assertThat(volumes()).hasSize(2);
            lab.write(2, 4);
            SnapshotLab.assertReads(kept, 1, 4);
            Verification found = lab.snapshots().verify(ONE, Progress.NONE);
            assertThat(found.isGood()).as(found.toString()).isTrue();

            lvm("lvchange", "--activate", "n", Files.readSymbolicLink(kept).toString());
            lab.revert("one");
            lab.awaitTicks(2);
            SnapshotLab.assertReads(lab.chain.headFile("d1"), 1, 4);
            tidy(lab);
            assertThat(lab.open().get("d1")).as("the copy is its disk").containsExactly(kept);
            lab.awaitTicks(2);
            assertThat(volumes())
                    .as("the old one, the copy, and the snapshot's copy of that")
                    .hasSize(3);
            for (SnapshotInfo info : lab.snapshots().list()) {
                lab.delete(info.snapshot().name().value());
            }
            tidy(lab);
            assertThat(volumes())
                    .as("what was imported is let go of")
                    .hasSize(2)
                    .contains("web");
            assertThat(lab.open().get("d1")).containsExactly(kept);
            lab.awaitTicks(2);
        }
    }

    @Test
    void aStoppedMachineIsItsThinVolumeAgainAndAfterARevertItsCopy() throws Exception {
        makeAThinVolume();
        try (SnapshotLab lab = on(Path.of("/dev/vg0/web"), Keep.AUTO, 100)) {
            lab.write(1, 4);
            lab.create("one", CaptureMethod.DISK_ONLY);
            tidy(lab);
            Path kept = copy(lab, ImageForm.DEVICE);
            assertThat(lab.chain.headFile("d1").toRealPath())
                    .isEqualTo(Path.of("/dev/vg0/web").toRealPath());
            lab.write(2, 4);
            SnapshotLab.assertReads(kept, 1, 4);
            assertThat(lab.snapshots().verify(ONE, Progress.NONE).isGood()).isTrue();
            String volume = Files.readSymbolicLink(kept).toString();
            lvm("lvchange", "--activate", "n", volume);
            lab.revert("one");
            tidy(lab);
            SnapshotLab.assertReads(lab.chain.headFile("d1"), 1, 4);
            assertThat(lab.chain.headFile("d1").toRealPath())
                    .isEqualTo(Path.of(volume).toRealPath());
            assertThat(volumes())
                    .as("the old one, the copy, and the snapshot's copy of that")
                    .hasSize(3);
            for (SnapshotInfo info : lab.snapshots().list()) {
                lab.delete(info.snapshot().name().value());
            }
            assertThat(volumes())
                    .as("what was imported is let go of")
                    .hasSize(2)
                    .contains("web");
        }
    }

    @Test
    void aThickCopyThatOverflowsIsSpoiltAndSaidToBe() throws Exception {
        lvm("lvcreate", "--yes", "--size", "16M", "--name", "web", "vg0");
        try (SnapshotLab lab = on(Path.of("/dev/vg0/web"), Keep.THICK, 10)) {
            lab.create("one", CaptureMethod.DISK_ONLY);
            tidy(lab);
            assertThat(copy(lab, ImageForm.COW)).exists();
            assertThat(lab.chain.headFile("d1").toRealPath())
                    .isEqualTo(Path.of("/dev/vg0/web").toRealPath());
            assertThat(lab.snapshots().verify(ONE, Progress.NONE).isGood()).isTrue();
            // More than the 4 MiB of the smallest snapshot.
            SnapshotLab.run("dd", "if=/dev/urandom", "of=/dev/vg0/web", "bs=1M", "count=16", "conv=fsync");
            assertThat(lab.snapshots().verify(ONE, Progress.NONE).problems())
                    .singleElement()
                    .asString()
                    .contains("is lost: more was written to web");
            assertThat(lab.snapshots().look().problems()).hasSize(1);
            assertThatThrownBy(() -> lab.revert("one")).hasMessageContaining("is lost");
            lab.delete("one");
            assertThat(volumes()).containsExactly("web");
        }
    }

    @Test
    void aGroupWithoutRoomRefusesASnapshotAndLeavesNothing() throws Exception {
        lvm("lvcreate", "--yes", "--size", "16M", "--name", "web", "vg0");
        lvm("lvcreate", "--yes", "--extents", "100%FREE", "--name", "rest", "vg0");
        try (SnapshotLab lab = on(Path.of("/dev/vg0/web"), Keep.THICK, 100)) {
            assertThatThrownBy(() -> lab.create("one", CaptureMethod.DISK_ONLY))
                    .hasMessageContaining("keep = \"thick\"")
                    .hasMessageContaining("volume group vg0");
            assertThat(lab.files("layers")).containsExactly("d0-000001.raw", "d1-000001.dev");
            assertThat(volumes()).containsExactly("rest", "web");
        }
    }
}
