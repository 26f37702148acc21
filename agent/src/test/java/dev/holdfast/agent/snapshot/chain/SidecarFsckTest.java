package dev.holdfast.agent.snapshot.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.coordinator.protocol.CheckpointRecord;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.MemberReport;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Part;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import dev.holdfast.coordinator.protocol.VmReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A part's sidecar is written anew only if its files certainly are what the catalogue knows. */
class SidecarFsckTest {
    private static final Name DAILY = new Name("daily");
    private static final Layer FIRST = new Layer("d0", 1);
    private static final Instant CAPTURED = Instant.ofEpochSecond(1_000_000);
    private static final long NANOS = CAPTURED.getEpochSecond() * 1_000_000_000L;
    private static final String SIZE_AS_DIGEST = "6";

    @TempDir
    private Path root;

    private final HeaderImages images = new HeaderImages();
    private final InstantSource clock = InstantSource.fixed(CAPTURED);
    private ChainDirectory chain;
    private ChainExecutor executor;
    private SidecarFsck fsck;
    private SnapshotRecord before;
    private long layerBytes;
    private Layer frozen = FIRST;

    /** A machine with shop@daily, whose sidecar is gone. */
    @BeforeEach
    void create() throws IOException {
        chain = new ChainImport(images, clock)
                .create(root.resolve("web.holdfast"), new TreeMap<>(Map.of("d0", 1L << 20)));
        executor = new ChainExecutor(
                chain, images, LiveDisks.NONE, clock, ChainExecutor.Removal.QUARANTINE, Progress.NONE);
        Intent intent =
                Intent.cut("r1", Optional.of(DAILY), chain.head(), Generation.fresh(chain.nextNumber(), List.of("d0")));
        executor.run(ChainPlan.prepareCut(intent));
        before = new SnapshotRecord(
                DAILY,
                new Name("web"),
                "r1",
                SnapshotRecord.Kind.FULL,
                CAPTURED,
                "before the upgrade",
                Optional.of(new Name("older")),
                Optional.of(new Name("shop")),
                List.of(new SnapshotRecord.DiskPart("d0", FIRST.fileName(), "")),
                Optional.of(new SnapshotRecord.MemoryPart("daily.memory", 6, SIZE_AS_DIGEST)),
                Optional.of(new SnapshotRecord.CaptureFacts(
                        NANOS, NANOS, NANOS, 1, CaptureMethod.STOP, SnapshotRecord.QUIESCED, "qemu 7.2")),
                Optional.empty());
        chain.writePending(before);
        Files.writeString(chain.memoryFile(DAILY), "memory");
        executor.run(ChainPlan.publish(intent));
        Path layer = chain.file(FIRST);
        layerBytes = Files.size(layer);
        Files.setLastModifiedTime(layer, FileTime.from(CAPTURED));
        Files.delete(chain.sidecarFile(DAILY));
        fsck = new SidecarFsck(chain);
    }

    private CheckpointRecord checkpoint(long bytes) {
        List<Part> parts = new ArrayList<>();
        parts.add(new Part("disk:d0", "/srv/elsewhere.holdfast/layers/" + frozen.fileName(), bytes, ""));
        parts.add(new Part("memory", "/srv/elsewhere.holdfast/snapshots/daily.memory", 6, SIZE_AS_DIGEST));
        parts.add(new Part("sidecar", "/srv/elsewhere.holdfast/snapshots/daily.json", 100, ""));
        VmReport report = new VmReport(
                new Name("web"),
                NANOS,
                NANOS,
                NANOS,
                1,
                CaptureMethod.STOP,
                SnapshotRecord.QUIESCED,
                "qemu 7.2",
                parts);
        return new CheckpointRecord(
                new Name("shop"),
                DAILY,
                new RoundId("r1"),
                new Epoch(1),
                Optional.of(new Name("older")),
                "before the upgrade",
                CheckpointRecord.State.COMPLETE,
                List.of(new MemberReport(new Name("n1"), 0, "", List.of(report))));
    }

    private boolean restore(long bytes) throws IOException {
        CheckpointRecord checkpoint = checkpoint(bytes);
        return fsck.restore(
                checkpoint,
                checkpoint.vms().get(0),
                file -> Long.toString(Files.readString(file).length()),
                executor);
    }

    @Test
    void aBlockDeviceDoesNotSayWhetherItIsUnchanged() throws IOException {
        frozen = new Layer("d0", 1, ImageForm.DEVICE);
        Files.createSymbolicLink(chain.file(frozen), chain.file(FIRST));
        Path copy = chain.file(frozen.increment(3));
        images.create(copy, layerBytes);
        Files.setLastModifiedTime(copy, FileTime.from(CAPTURED.minusSeconds(60)));
        refuses(layerBytes, "does not say when it was last written");
    }

    private static final Layer RAW = new Layer("d0", 1, ImageForm.RAW);

    private void raw(Layer layer, Instant written) throws IOException {
        Path file = Files.write(chain.file(layer), new byte[4096]);
        Files.setLastModifiedTime(file, FileTime.from(written));
    }

    @Test
    void whatItsStorageHasCopiedIsFoundInTheCopyWhenTheImageIsWrittenAgain() throws IOException {
        frozen = RAW;
        raw(RAW, CAPTURED.plusSeconds(60));
        raw(RAW.copy(3), CAPTURED.minusSeconds(60));
        raw(RAW.copy(4), CAPTURED.minusSeconds(1));
        raw(RAW.copy(5), CAPTURED.plusSeconds(59));
        raw(new Layer("d1", 1, ImageForm.RAW).copy(6), CAPTURED);
        assertThat(restore(4096)).isTrue();
        assertThat(chain.snapshots().get(DAILY).named()).containsExactly(RAW.copy(4));
    }

    @Test
    void whatTheMachineHasCopiedInIncrementsIsFoundByItsTimeAndItsSizeForTheGuest() throws IOException {
        frozen = RAW;
        raw(RAW, CAPTURED.plusSeconds(60));
        Path older = chain.file(RAW.increment(3));
        Path newer = chain.file(RAW.increment(4));
        images.create(older, 4096);
        images.createOverlay(newer, older);
        Files.setLastModifiedTime(older, FileTime.from(CAPTURED.minusSeconds(60)));
        Files.setLastModifiedTime(newer, FileTime.from(CAPTURED.plusSeconds(60)));
        refuses(8192, "was written after the checkpoint");
        // As when a delete has merged another one into it: then the older one is not what was frozen.
        refuses(4096, "d0-000003-of-000001.qcow2 may hold it, or layers/d0-000004-of-000001.qcow2");
        Files.setLastModifiedTime(newer, FileTime.from(CAPTURED.minusSeconds(1)));
        assertThat(restore(4096)).isTrue();
        assertThat(chain.snapshots().get(DAILY).named()).containsExactly(RAW.increment(4));
    }

    @Test
    void aCopyThatIsAnotherSnapshotsOrNewerIsNone() throws IOException {
        frozen = RAW;
        raw(RAW, CAPTURED.plusSeconds(60));
        raw(RAW.copy(3), CAPTURED.plusSeconds(59));
        refuses(4096, "was written after the checkpoint");
        raw(RAW.copy(4), CAPTURED);
        anotherOf(List.of(new SnapshotRecord.DiskPart("d0", RAW.copy(4).fileName(), "")));
        refuses(4096, "was written after the checkpoint");
    }

    /** The sidecar of another snapshot of the machine. */
    private Path anotherOf(List<SnapshotRecord.DiskPart> disks) throws IOException {
        Name other = new Name("other");
        ChainDirectory.SIDECARS.write(
                chain.sidecarFile(other),
                new SnapshotRecord(
                        other,
                        before.vm(),
                        "r2",
                        SnapshotRecord.Kind.DISKS,
                        CAPTURED,
                        "",
                        Optional.empty(),
                        Optional.empty(),
                        disks,
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty()));
        return chain.sidecarFile(other);
    }

    private void refuses(long bytes, String why) {
        assertThatThrownBy(() -> restore(bytes))
                .isInstanceOf(ChainException.class)
                .hasMessageContaining(why);
        assertThat(chain.sidecarFile(DAILY)).doesNotExist();
    }

    @Test
    void saysWhatTheOldOneSaid() throws IOException {
        assertThat(restore(layerBytes)).isTrue();
        assertThat(chain.snapshots()).containsOnly(Map.entry(DAILY, before));
        assertThat(restore(layerBytes)).as("a second time").isFalse();
        assertThat(new ChainFsck(chain).look().isClean()).isTrue();
    }

    @Test
    void aTornOneIsKeptInLost() throws IOException {
        Files.writeString(chain.sidecarFile(DAILY), "torn");
        assertThat(restore(layerBytes)).isTrue();
        assertThat(chain.lost().resolve("daily.json")).hasContent("torn");
        assertThat(chain.snapshots()).containsOnly(Map.entry(DAILY, before));
        assertThat(new ChainFsck(chain).look().problems()).isEmpty();
    }

    @Test
    void oneThatWaitsForItsDecisionIsLeftAlone() throws IOException {
        chain.writePending(before);
        assertThat(restore(layerBytes)).isFalse();
        assertThat(chain.sidecarFile(DAILY)).doesNotExist();
    }

    @Test
    void aLayerThatWasWrittenSinceIsNotTaken() throws IOException {
        refuses(layerBytes + 1, "was written after the checkpoint");
        Files.setLastModifiedTime(chain.file(FIRST), FileTime.from(CAPTURED.plusSeconds(60)));
        refuses(layerBytes, "was written after the checkpoint");
    }

    @Test
    void aLayerThatIsGoneOrSomebodyElsesIsNotTaken() throws IOException {
        Path other = anotherOf(before.disks());
        refuses(layerBytes, "another snapshot's");
        Files.delete(other);
        Files.delete(chain.file(FIRST));
        refuses(layerBytes, "is missing");
    }

    @Test
    void memoryOfSomethingElseIsNotTakenAndMissingMemoryIsTheNextThingToPutRight() throws IOException {
        Files.writeString(chain.memoryFile(DAILY), "other memory");
        refuses(layerBytes, "is not the memory");
        Files.createDirectories(chain.lost());
        Files.writeString(chain.memoryFile(DAILY), "memory");
        Files.move(chain.memoryFile(DAILY), chain.lost().resolve("daily.memory"));
        assertThat(restore(layerBytes)).isTrue();
        ChainFsck next = new ChainFsck(chain);
        assertThat(next.putBack(chain.memoryFile(DAILY))).isTrue();
        assertThat(next.look().isClean()).isTrue();
    }
}
