package dev.holdfast.agent.snapshot.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.ImageForm;
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
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A chain whose first layers are a raw file and a link to a block device, for which a file stands here. */
class ImageFormsTest {
    private static final Layer RAW = new Layer("d0", 1, ImageForm.RAW);
    private static final Layer DEVICE = new Layer("d1", 1, ImageForm.DEVICE);
    private static final Name ONE = new Name("one");
    private static final int RAW_BYTES = 1 << 20;
    private static final int DEVICE_BYTES = 1 << 21;

    @TempDir
    private Path root;

    private final HeaderImages images = new HeaderImages();
    private final InstantSource clock = InstantSource.fixed(Instant.EPOCH);
    private Path device;
    private ChainDirectory chain;

    @BeforeEach
    void importBoth() throws IOException {
        device = Files.write(root.toRealPath().resolve("device"), new byte[DEVICE_BYTES]);
        Path raw = Files.write(root.resolve("d0.raw"), new byte[RAW_BYTES]);
        Path link = Files.createSymbolicLink(root.resolve("d1.dev"), device);
        chain = new ChainImport(images, clock)
                .importDisks(root.resolve("web.holdfast"), new TreeMap<>(Map.of("d0", raw, "d1", link)));
    }

    private ChainExecutor executor(ChainExecutor.Removal removal) {
        return new ChainExecutor(chain, images, LiveDisks.NONE, clock, removal, Progress.NONE);
    }

    /** @return the change, published */
    private Intent cut() throws IOException {
        Intent intent = Intent.cut(
                "op", Optional.of(ONE), chain.head(), Generation.fresh(chain.nextNumber(), List.of("d0", "d1")));
        executor(ChainExecutor.Removal.DELETE).run(ChainPlan.prepareCut(intent));
        chain.writePending(ChainDirectoryTest.ofDisks(ONE, intent.fromHead()));
        executor(ChainExecutor.Removal.DELETE).run(ChainPlan.publish(intent));
        return intent;
    }

    private void assertLinks(String... names) {
        assertThat(chain.path().resolve("head").toFile().list()).containsExactlyInAnyOrder(names);
    }

    @Test
    void aNameSaysTheFormAndNoNameStandsForTwo() {
        assertThat(Layer.parse("d0-000001.raw")).isEqualTo(RAW).hasToString("d0-000001.raw");
        assertThat(Layer.parse("d0-000001.qcow2")).isEqualTo(new Layer("d0", 1)).isNotEqualTo(RAW);
        assertThat(new Layer("d0", 1).compareTo(RAW)).isNotZero();
        Layer copy = new Layer("d0", 4, ImageForm.RAW, 1);
        assertThat(RAW.copy(4)).isEqualTo(copy).hasToString("d0-000004-of-000001.raw");
        assertThat(Layer.parse("d0-000004-of-000001.raw")).isEqualTo(copy);
        assertThat(Layer.parse("a-123456-000001.qcow2")).isEqualTo(new Layer("a-123456", 1));
        assertThat(copy.isCopy()).isTrue();
        assertThat(RAW.isCopy()).isFalse();
        assertThat(copy.compareTo(new Layer("d0", 4, ImageForm.RAW))).isNotZero();
        assertThatThrownBy(() -> new Layer("d0-000004-of", 1)).isInstanceOf(IllegalArgumentException.class);
        assertThat(Layer.fromFileName("d0-000001.img")).isEmpty();
        assertThat(Layer.fromFileName("d0-000001.raw.1")).isEmpty();
        assertThat(Layer.fromFileName("d0\0-000001.raw")).isEmpty();
    }

    @Test
    void linksOfAGenerationEndInTheFormOfWhatTheyLeadTo() throws IOException {
        assertLinks("d0.raw", "d1.dev");
        assertThat(chain.headFile("d0").getFileName()).hasToString("d0.raw");
        assertThat(chain.head().layers().values()).containsExactly(RAW, DEVICE);
        cut();
        assertLinks("d0.qcow2", "d1.qcow2");
        assertThat(chain.graph().backing().get(new Layer("d0", 2))).contains(RAW);
        assertThat(chain.graph().problems()).isEmpty();
        assertThat(chain.snapshots().get(ONE).named()).containsExactly(RAW, DEVICE);
    }

    @Test
    void aDefinitionMayLeaveTheFormOutOrNameThatOfAllNewLayers() throws IOException {
        Path head = chain.path().resolve("head");
        assertThat(ChainDirectory.locate("d0", head.resolve("d0"))).isEqualTo(chain.path());
        assertThat(ChainDirectory.locate("d0", head.resolve("d0.qcow2"))).isEqualTo(chain.path());
        for (String wrong : List.of("d0.raw", "d1", "d0.dev")) {
            assertThatThrownBy(() -> ChainDirectory.locate("d0", head.resolve(wrong)))
                    .hasMessageContaining("head/d0.qcow2 (or head/d0");
        }
    }

    @Test
    void sizesAreThoseOfWhatLiesThere() throws IOException {
        assertThat(chain.diskBytes()).isEqualTo(Map.of("d0", (long) RAW_BYTES, "d1", (long) DEVICE_BYTES));
        cut();
        assertThat(chain.diskBytes()).isEqualTo(Map.of("d0", (long) RAW_BYTES, "d1", (long) DEVICE_BYTES));
        assertThat(chain.image(DEVICE).bytes()).isEqualTo(DEVICE_BYTES);
    }

    @Test
    void aLinkOfAnotherFormOrASecondOneIsNamed() throws IOException {
        Path generation = chain.path().resolve("generations/000001");
        Path second = Files.createSymbolicLink(generation.resolve("d0.qcow2"), Path.of("../../layers/d0-000001.qcow2"));
        assertThatThrownBy(chain::head).hasMessageContaining("two links for disk d0");
        Files.delete(second);
        Path wrong = Files.move(generation.resolve("d0.raw"), second);
        assertThatThrownBy(chain::head)
                .hasMessageContaining(wrong.toString())
                .hasMessageContaining("of that disk and form");
    }

    /** The stopped machine writes its raw images again. */
    @Test
    void aJoinIntoARawLayerMakesThatTheHead() throws IOException {
        cut();
        executor(ChainExecutor.Removal.DELETE).removeSnapshot(ONE);
        for (LayerGraph.Tidying each : chain.graph().tidyings(LayerGraph.HeadUse.FREE, layer -> false)) {
            LayerGraph.Join join = (LayerGraph.Join) each;
            Intent merge = Intent.merge("op", join.top(), join.base());
            ChainPlan.Facts facts = new ChainPlan.Facts(chain.graph(), Optional.empty());
            executor(ChainExecutor.Removal.DELETE).run(ChainPlan.merge(merge, facts, chain.nextNumber()));
        }
        assertLinks("d0.raw", "d1.dev");
        assertThat(chain.graph().backing()).containsOnlyKeys(RAW, DEVICE);
        assertThat(new ChainFsck(chain).look().isClean()).isTrue();
    }

    /** A storage that copies whole files, and can be cut short. */
    private final class Copying implements LayerCopies {
        private boolean fails;

        @Override
        public boolean keeps(Layer root) {
            return root.form() == ImageForm.RAW;
        }

        @Override
        public boolean counts(Layer root) {
            return false;
        }

        @Override
        public Layer copyOf(Layer root, int number) {
            return root.copy(number);
        }

        @Override
        public void copy(SortedMap<Layer, Layer> copies) throws IOException {
            Layer root = copies.firstKey();
            Layer copy = copies.get(root);
            Path half = chain.path().resolve("layers/." + copy.fileName() + ".tmp");
            Files.copy(chain.file(root), half);
            if (fails) {
                throw new ChainException("No space left on device");
            }
            Files.move(half, chain.file(copy));
        }

        @Override
        public void remove(Layer copy) throws IOException {
            Files.deleteIfExists(chain.path().resolve("layers/." + copy.fileName() + ".tmp"));
            Files.deleteIfExists(chain.file(copy));
        }

        @Override
        public void merged(Layer top, Layer base) {}
    }

    @Test
    void aKeepHasTheSnapshotNameTheCopyAndOneThatWasCutShortLeavesNothing() throws IOException {
        cut();
        Copying storage = new Copying();
        ChainExecutor keeping = executor(ChainExecutor.Removal.QUARANTINE).with(storage);
        Layer copy = RAW.copy(chain.nextNumber());
        Intent keep = Intent.keep("op", RAW, copy);
        storage.fails = true;
        assertThatThrownBy(() -> keeping.run(ChainPlan.keep(keep, facts()))).hasMessageContaining("No space");
        assertThat(chain.intent()).contains(keep);
        keeping.run(ChainPlan.recover(keep, facts(), chain.nextNumber()));
        assertThat(new ChainFsck(chain).look().isClean()).isTrue();
        assertThat(chain.snapshots().get(ONE).named()).containsExactly(RAW, DEVICE);

        storage.fails = false;
        keeping.run(List.of(new ChainStep.WriteIntent(keep), new ChainStep.CopyLayers(keep.copies())));
        // The storage is not asked again for what is whole.
        executor(ChainExecutor.Removal.QUARANTINE).run(ChainPlan.recover(keep, facts(), chain.nextNumber()));
        assertThat(chain.snapshots().get(ONE).named()).containsExactly(copy, DEVICE);
        assertThat(new ChainFsck(chain).look().isClean()).isTrue();
        assertThat(chain.graph().parent(chain.head())).contains(ONE);
        assertThatThrownBy(() -> keeping.removeHalf(copy)).hasMessageContaining("is whole and was not removed");
    }

    private ChainPlan.Facts facts() throws IOException {
        return new ChainPlan.Facts(chain.graph(), Optional.empty());
    }

    @Test
    void aCopyIsRemovedByItsStorageAndWhatIsWrittenIsNotCopied() throws IOException {
        assertThatThrownBy(() -> executor(ChainExecutor.Removal.DELETE)
                        .with(new Copying())
                        .copyLayers(new TreeMap<>(Map.of(RAW, RAW.copy(9)))))
                .hasMessageContaining("is being written");
        cut();
        Layer copy = RAW.copy(chain.nextNumber());
        ChainExecutor keeping = executor(ChainExecutor.Removal.DELETE).with(new Copying());
        keeping.run(ChainPlan.keep(Intent.keep("op", RAW, copy), facts()));
        keeping.removeSnapshot(ONE);
        keeping.discard(copy);
        assertThat(chain.file(copy)).doesNotExist();
        assertThat(chain.file(RAW)).hasSize(RAW_BYTES);
        assertThatThrownBy(() -> executor(ChainExecutor.Removal.DELETE).copyLayers(new TreeMap<>(Map.of(RAW, copy))))
                .hasMessageContaining("does not copy");
    }

    @Test
    void aDeviceIsLetGoOfAndNeverRemoved() throws IOException {
        cut();
        new ChainExecutor(chain, images, LiveDisks.NONE, clock, ChainExecutor.Removal.QUARANTINE, Progress.NONE)
                .moveToLost(chain.file(DEVICE));
        assertThat(chain.graph().problems()).anyMatch(text -> text.contains("d1-000001.dev, which is missing"));
        ChainFsck fsck = new ChainFsck(chain);
        assertThat(fsck.putBack(chain.file(DEVICE))).isTrue();
        assertThat(fsck.look().isClean()).isTrue();
        assertThat(Files.readSymbolicLink(chain.file(DEVICE))).isEqualTo(device);
        executor(ChainExecutor.Removal.QUARANTINE).moveToLost(chain.file(DEVICE));
        fsck.emptyLost(executor(ChainExecutor.Removal.QUARANTINE));
        assertThat(device).hasSize(DEVICE_BYTES);
    }

    @Test
    void aRawLayerThatWasTakenAwayIsPutBackFromLost() throws IOException {
        cut();
        executor(ChainExecutor.Removal.QUARANTINE).moveToLost(chain.file(RAW));
        assertThat(chain.nextNumber()).isEqualTo(3);
        assertThat(new ChainFsck(chain).putBack(chain.file(RAW))).isTrue();
        assertThat(chain.file(RAW)).hasSize(RAW_BYTES);
    }

    @Test
    void whatIsForQcow2AloneIsRefusedForOthers() throws IOException {
        cut();
        assertThatThrownBy(() -> Freight.of(chain))
                .hasMessageContaining("--copy-disks")
                .hasMessageContaining("d0-000001.raw");
        assertThatThrownBy(() -> chain.requireQcow2("replication")).hasMessageContaining("replication needs disks");
    }

    @Test
    void aChainFromBeforeThereWereFormsIsReadAsItIs() throws IOException {
        Path old = root.resolve("old.holdfast");
        for (String directory : List.of("layers", "generations/000001", "snapshots", "lost")) {
            Files.createDirectories(old.resolve(directory));
        }
        HeaderImages.write(old.resolve("layers/d0-000001.qcow2"), "", RAW_BYTES);
        Files.createSymbolicLink(old.resolve("generations/000001/d0.qcow2"), Path.of("../../layers/d0-000001.qcow2"));
        Files.createSymbolicLink(old.resolve("head"), Path.of("generations/000001"));
        ChainDirectory opened = ChainDirectory.open(old);
        assertThat(opened.head()).isEqualTo(Generation.fresh(1, List.of("d0")));
        assertThat(opened.headFile("d0")).isEqualTo(opened.path().resolve("head/d0.qcow2"));
        assertThat(new ChainFsck(opened).look().isClean()).isTrue();
    }
}
