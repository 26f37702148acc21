package dev.holdfast.agent.snapshot.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChainDirectoryTest {
    private static final Name NEW = new Name("new");

    @TempDir
    private Path root;

    private final HeaderImages images = new HeaderImages();
    private final InstantSource clock = InstantSource.fixed(Instant.EPOCH);
    private ChainDirectory chain;

    @BeforeEach
    void create() throws IOException {
        chain = new ChainImport(images, clock)
                .create(root.resolve("web.holdfast"), new TreeMap<>(Map.of("d0", 1L << 20, "d1", 1L << 21)));
    }

    private ChainExecutor executor(ChainExecutor.Removal removal) {
        return new ChainExecutor(chain, images, LiveDisks.NONE, clock, removal, Progress.NONE);
    }

    private Intent cut() throws IOException {
        Generation next = Generation.fresh(chain.nextNumber(), List.of("d0", "d1"));
        return Intent.cut("op", Optional.of(NEW), chain.head(), next);
    }

    private void pending(Generation layers) throws IOException {
        chain.writePending(ofDisks(NEW, layers));
    }

    /** A snapshot of the machine {@code web} that names these. */
    static SnapshotRecord ofDisks(Name name, Generation layers) {
        return new SnapshotRecord(
                name,
                new Name("web"),
                "op",
                SnapshotRecord.Kind.DISKS,
                Instant.EPOCH,
                "",
                Optional.empty(),
                Optional.empty(),
                layers.layers().values().stream()
                        .map(layer -> new SnapshotRecord.DiskPart(layer.disk(), layer.fileName(), ""))
                        .toList(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
    }

    private void snapshot() throws IOException {
        Intent intent = cut();
        executor(ChainExecutor.Removal.DELETE).run(ChainPlan.prepareCut(intent));
        pending(intent.fromHead());
        executor(ChainExecutor.Removal.DELETE).run(ChainPlan.publish(intent));
    }

    @Test
    void theHeadLeadsThroughLinksToLayersWithNamesOfTheirOwn() throws IOException {
        assertThat(Files.readSymbolicLink(chain.path().resolve("head"))).isEqualTo(Path.of("generations/000001"));
        assertThat(chain.headFile("d0").toRealPath()).isEqualTo(chain.file(new Layer("d0", 1)));
        assertThat(ChainDirectory.locate("d0", chain.headFile("d0"))).isEqualTo(chain.path());
        assertThat(chain.layerAt(chain.file(new Layer("d1", 1)))).contains(new Layer("d1", 1));
        assertThat(chain.layerAt(Path.of("/elsewhere/d1-000001.qcow2"))).isEmpty();
    }

    @Test
    void aCutMovesTheHeadOfAllDisksByOneRenameAndPublishingNamesTheOldLayers() throws IOException {
        snapshot();
        assertThat(chain.head()).isEqualTo(Generation.fresh(2, List.of("d0", "d1")));
        assertThat(chain.graph().backing().get(new Layer("d0", 2))).contains(new Layer("d0", 1));
        assertThat(chain.snapshots().get(NEW).named()).containsExactly(new Layer("d0", 1), new Layer("d1", 1));
        assertThat(chain.intent()).isEmpty();
        assertThat(chain.nextNumber()).isEqualTo(3);
    }

    @Test
    void numbersAreNeverUsedTwiceAlsoWhenTheirLayersAreGone() throws IOException {
        Intent intent = cut();
        executor(ChainExecutor.Removal.DELETE).run(ChainPlan.prepareCut(intent));
        ChainPlan.Facts notCut =
                new ChainPlan.Facts(chain.graph(), Optional.of(intent.fromHead().layers()));
        executor(ChainExecutor.Removal.DELETE).run(ChainPlan.abandonCut(intent, notCut));
        assertThat(chain.head().number()).isEqualTo(1);
        assertThat(chain.graph().backing()).hasSize(2);
        assertThat(chain.nextNumber()).isEqualTo(3);
        snapshot();
        snapshot2();
        assertThat(chain.path().resolve("generations"))
                .isDirectoryContaining(file -> file.endsWith("000004"))
                .isDirectoryNotContaining(file -> file.endsWith("000003"));
        assertThat(chain.head().number()).isEqualTo(4);
    }

    private void snapshot2() throws IOException {
        Generation next = Generation.fresh(chain.nextNumber(), List.of("d0", "d1"));
        Intent intent = Intent.cut("op2", Optional.empty(), chain.head(), next);
        executor(ChainExecutor.Removal.DELETE).run(ChainPlan.prepareCut(intent));
        executor(ChainExecutor.Removal.DELETE).run(ChainPlan.publish(intent));
    }

    @Test
    void aRecoveryRemovesNothingButPutsItIntoLost() throws IOException {
        Intent intent = cut();
        executor(ChainExecutor.Removal.DELETE).run(ChainPlan.prepareCut(intent));
        Files.writeString(chain.memoryFile(NEW), "memory");
        ChainPlan.Facts notCut =
                new ChainPlan.Facts(chain.graph(), Optional.of(intent.fromHead().layers()));
        executor(ChainExecutor.Removal.QUARANTINE).run(ChainPlan.recover(intent, notCut, 3));
        ChainFsck fsck = new ChainFsck(chain);
        assertThat(fsck.look().lost())
                .extracting(file -> file.getFileName().toString())
                .containsExactly("d0-000002.qcow2", "d1-000002.qcow2", "new.memory");
        assertThat(fsck.look().problems()).isEmpty();
        fsck.emptyLost(executor(ChainExecutor.Removal.QUARANTINE));
        assertThat(fsck.look().isClean()).isTrue();
    }

    @Test
    void aToolThatFailsHalfwayLeavesNoHalfLayer() throws IOException {
        images.failure = "No space left on device";
        Intent intent = cut();
        assertThatThrownBy(() -> executor(ChainExecutor.Removal.DELETE).run(ChainPlan.prepareCut(intent)))
                .hasMessageContaining("No space left");
        ChainPlan.Facts facts = new ChainPlan.Facts(chain.graph(), Optional.empty());
        executor(ChainExecutor.Removal.DELETE).run(ChainPlan.abandonCut(intent, facts));
        assertThat(chain.graph().backing()).hasSize(2);
        assertThat(new ChainFsck(chain).look().isClean()).isTrue();
    }

    @Test
    void aLayerThatIsStillNeededSurvivesAnyMistake() throws IOException {
        snapshot();
        assertThatThrownBy(() -> executor(ChainExecutor.Removal.DELETE).discard(new Layer("d0", 1)))
                .hasMessageContaining("d0-000001.qcow2 is still needed");
        assertThatThrownBy(() -> executor(ChainExecutor.Removal.DELETE).discardParts(NEW))
                .hasMessageContaining("its parts are needed");
        assertThatThrownBy(() -> executor(ChainExecutor.Removal.DELETE).moveHead(9))
                .hasMessageContaining("000009");
    }

    @Test
    void aMissingLayerIsNamed() throws IOException {
        snapshot();
        Files.delete(chain.file(new Layer("d1", 1)));
        assertThatThrownBy(chain::wholeGraph)
                .hasMessageContaining("layers/d1-000002.qcow2 stands on layers/d1-000001.qcow2, which is missing")
                .hasMessageContaining("snapshots/new.json names layers/d1-000001.qcow2")
                .hasMessageContaining("lost");
    }

    @Test
    void aForeignFileIsNamed() throws IOException {
        Path stranger = Files.writeString(chain.path().resolve("layers/notes.txt"), "hello");
        assertThatThrownBy(chain::graph)
                .hasMessageContaining(stranger.toString())
                .hasMessageContaining("not a layer");
        Files.delete(stranger);
        Path raw = Files.writeString(chain.path().resolve("layers/d0-000009.qcow2"), "not an image");
        assertThatThrownBy(chain::graph).hasMessageContaining(raw.toString()).hasMessageContaining("not a qcow2");
        HeaderImages.write(raw, "/elsewhere/base.qcow2", 1);
        assertThatThrownBy(chain::graph).hasMessageContaining(raw.toString()).hasMessageContaining("/elsewhere/base");
    }

    @Test
    void aTruncatedSidecarIsAnErrorThatNamesItAndNeverAnAbsence() throws IOException {
        snapshot();
        Path sidecar = chain.sidecarFile(NEW);
        String text = Files.readString(sidecar);
        Files.writeString(sidecar, text.substring(0, text.length() / 2));
        assertThatThrownBy(chain::snapshots).hasMessageContaining(sidecar.toString());
        assertThatThrownBy(chain::graph).hasMessageContaining(sidecar.toString());
        assertThat(new ChainFsck(chain).look().problems()).anyMatch(problem -> problem.contains(sidecar.toString()));
        Files.writeString(sidecar, text.replace("\"web\"", "\"was\""));
        assertThatThrownBy(chain::snapshots).hasMessageContaining("checksum");
        Files.writeString(sidecar, text);
        Files.move(sidecar, sidecar.resolveSibling("other.json"));
        assertThatThrownBy(chain::snapshots).hasMessageContaining("other.json");
    }

    @Test
    void aHeadThatIsNoLinkOrPointsNowhereIsNamed() throws IOException {
        Path head = chain.path().resolve("head");
        Files.delete(head);
        assertThatThrownBy(() -> ChainDirectory.open(chain.path())).hasMessageContaining(head.toString());
        Files.createSymbolicLink(head, Path.of("generations/000007"));
        assertThatThrownBy(() -> ChainDirectory.open(chain.path())).hasMessageContaining("generations/000007");
        Files.delete(head);
        Files.createSymbolicLink(head, Path.of("layers"));
        assertThatThrownBy(() -> ChainDirectory.open(chain.path())).hasMessageContaining("no generation");
    }

    @Test
    void anOldHeadIsNotTakenForTheNewest() throws IOException {
        snapshot();
        executor(ChainExecutor.Removal.DELETE).makeGeneration(Generation.fresh(1, List.of("d0", "d1")));
        executor(ChainExecutor.Removal.DELETE).moveHead(1);
        assertThatThrownBy(chain::wholeGraph)
                .hasMessageContaining("the head names layers/d0-000001.qcow2, on which layers/d0-000002.qcow2 stands");
    }

    @Test
    void aMissingDirectoryAsksWhetherItsFileSystemIsMounted() throws IOException {
        assertThatThrownBy(() -> ChainDirectory.open(root.resolve("gone.holdfast")))
                .hasMessageContaining("gone.holdfast")
                .hasMessageContaining("mounted");
        Path plain = Files.createDirectory(root.resolve("plain"));
        assertThatThrownBy(() -> ChainDirectory.open(plain)).hasMessageContaining("does not end in .holdfast");
    }

    @Test
    void aPathThatDoesNotGoThroughTheHeadIsToldHowItShouldLook() {
        for (String path :
                List.of("/srv/web.qcow2", "/d0.qcow2", "/srv/web.holdfast/layers/d0.qcow2", "/srv/x/head/d0.qcow2")) {
            assertThatThrownBy(() -> ChainDirectory.locate("d0", Path.of(path)))
                    .hasMessageContaining(path)
                    .hasMessageContaining("/srv/NAME.holdfast/head/d0.qcow2");
        }
    }

    @Test
    void plainImagesMoveIntoAChainAndAnInterruptedImportCanBeRepeated() throws IOException {
        Path image = root.resolve("a.qcow2");
        images.create(image, 5);
        ChainImport importer = new ChainImport(images, clock);
        TreeMap<String, Path> files = new TreeMap<>(Map.of("d0", image));
        ChainDirectory made = importer.importDisks(root.resolve("one.holdfast"), files);
        assertThat(image).doesNotExist();
        Files.delete(made.path().resolve("head"));
        assertThat(importer.importDisks(root.resolve("one.holdfast"), files)
                        .head()
                        .number())
                .isEqualTo(1);
        assertThatThrownBy(() -> importer.importDisks(root.resolve("one.holdfast"), files))
                .hasMessageContaining("is a chain already");
    }

    @Test
    void imagesThatCannotMoveAreRefusedWithTheCommandThatHelps() throws IOException {
        ChainImport importer = new ChainImport(images, clock);
        Path target = root.resolve("two.holdfast");
        Path raw = Files.writeString(root.resolve("raw.img"), "x".repeat(200));
        assertThatThrownBy(() -> importer.importDisks(target, new TreeMap<>(Map.of("d0", raw))))
                .hasMessageContaining(raw.toString())
                .hasMessageContaining("qemu-img convert");
        Path overlay = root.resolve("overlay.qcow2");
        HeaderImages.write(overlay, "/srv/base.qcow2", 5);
        assertThatThrownBy(() -> importer.importDisks(target, new TreeMap<>(Map.of("d0", overlay))))
                .hasMessageContaining(overlay.toString())
                .hasMessageContaining("/srv/base.qcow2");
        assertThatThrownBy(() -> importer.importDisks(target, new TreeMap<>(Map.of("d0", root.resolve("none")))))
                .hasMessageContaining("is missing");
        Path elsewhere = Path.of(
                "/dev/shm/holdfast-import-test-" + ProcessHandle.current().pid() + ".qcow2");
        try {
            images.create(elsewhere, 5);
            assertThatThrownBy(() -> importer.importDisks(target, new TreeMap<>(Map.of("d0", elsewhere))))
                    .hasMessageContaining(elsewhere.toString())
                    .hasMessageContaining(target.toString())
                    .hasMessageContaining("different file systems");
        } finally {
            Files.deleteIfExists(elsewhere);
        }
        assertThat(target).doesNotExist();
    }
}
