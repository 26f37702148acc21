package dev.holdfast.agent.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.snapshot.chain.Layer;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import dev.holdfast.coordinator.protocol.VmReport;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A real machine whose first disk is a raw file and whose second one is a block device or a raw file, too: its snapshots have memory, as those
 * of any other.
 */
@Tag("qemu")
@Timeout(value = 240, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RawDisksQemuTest {
    private static final Name ONE = new Name("one");

    /** From the head being raw to its being raw again. */
    private static void goThroughALife(ImageForm second) throws Exception {
        try (SnapshotLab lab = new SnapshotLab(ImageForm.RAW, second)) {
            Path root = lab.chain.file(new Layer("d1", 1, second));
            lab.start();
            assertThat(lab.open().get("d1")).containsExactly(root);
            lab.write(1, 4);
            long beforeSnapshot = lab.counter();
            VmReport report = lab.create("one", CaptureMethod.AUTO);
            assertThat(report.parts().get(1).bytes()).isEqualTo(16 << 20);
            assertThat(lab.snapshots().recordDigests(Progress.NONE, () -> true)).isTrue();
            Verification found = lab.snapshots().verify(ONE, Progress.NONE);
            assertThat(found.isGood()).as(found.toString()).isTrue();
            assertThat(found.unread()).hasSize(2).allMatch(text -> text.contains("no digest"));
            lab.write(2, 4);
            SnapshotLab.assertReads(root, 1, 4);
            long reverting = lab.counter();

            lab.revert("one");
            lab.awaitTicks(5);
            assertThat(lab.firstCounted()).isBetween(beforeSnapshot, reverting);
            SnapshotLab.assertReads(lab.chain.headFile("d1"), 1, 4);
            lab.delete("before-one-3");
            lab.write(3, 4);
            lab.delete("one");
            lab.awaitTicks(5);
            assertThat(lab.open().get("d1")).as("raw again").containsExactly(root);
            assertThat(lab.files("layers"))
                    .containsExactly("d0-000001.raw", root.getFileName().toString());

            lab.kill();
            lab.create("two", CaptureMethod.DISK_ONLY);
            lab.delete("two");
            assertThat(lab.files("layers"))
                    .containsExactly("d0-000001.raw", root.getFileName().toString());
            SnapshotLab.assertReads(root, 3, 4);
            lab.start();
            assertThat(lab.open().get("d1")).containsExactly(root);
        }
    }

    @Test
    void aMachineOnABlockDeviceKeepsItsMemoryWithItsDisks() throws Exception {
        goThroughALife(ImageForm.DEVICE);
    }

    @Test
    void aMachineOnRawFilesKeepsItsMemoryWithItsDisks() throws Exception {
        goThroughALife(ImageForm.RAW);
    }

    @Test
    void aRawLayerThatWasCutOffIsFound() throws Exception {
        try (SnapshotLab lab = new SnapshotLab(ImageForm.RAW, ImageForm.RAW)) {
            lab.create("one", CaptureMethod.DISK_ONLY);
            Path root = lab.chain.file(new Layer("d1", 1, ImageForm.RAW));
            SnapshotLab.run("truncate", "-s", "8M", root.toString());
            assertThat(lab.snapshots().verify(ONE, Progress.NONE).problems())
                    .singleElement()
                    .asString()
                    .contains(root + " has 8388608 bytes and had 16777216", "cut off");
        }
    }

    @Test
    void aDeviceThatIsNotThereIsFoundAndKeepsTheMachineFromStarting() throws Exception {
        try (SnapshotLab lab = new SnapshotLab(ImageForm.RAW, ImageForm.DEVICE)) {
            lab.create("one", CaptureMethod.DISK_ONLY);
            Path link = lab.chain.file(new Layer("d1", 1, ImageForm.DEVICE));
            Files.delete(link);
            Files.createSymbolicLink(link, Path.of("/dev/mapper/holdfast-test-that-is-not-there"));
            assertThat(lab.snapshots().verify(ONE, Progress.NONE).problems())
                    .singleElement()
                    .asString()
                    .contains(link + " cannot be opened", "look at its storage");
            assertThatThrownBy(lab::start).hasMessageContaining(link.toString());
        }
    }
}
