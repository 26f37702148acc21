package dev.holdfast.agent.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.hypervisor.Keep;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.snapshot.chain.ChainDirectory;
import dev.holdfast.agent.snapshot.chain.ChainImport;
import dev.holdfast.agent.snapshot.chain.Layer;
import dev.holdfast.agent.snapshot.chain.QemuImages;
import dev.holdfast.agent.storage.Commands;
import dev.holdfast.agent.storage.CopyingTool;
import dev.holdfast.agent.storage.ImageStores;
import dev.holdfast.agent.storage.directory.DirectoryStore;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which layers a storage is asked to copy, and what becomes of its refusals. Real clones are in {@link ChainWalkTest}. */
class StoredCopiesTest {
    private static final Name WEB = new Name("web");
    private static final Layer RAW = new Layer("d0", 1, ImageForm.RAW);

    @TempDir
    private Path root;

    private ChainDirectory chain;

    @BeforeEach
    void importDisk() throws IOException {
        Path raw = Files.write(root.resolve("d0.raw"), new byte[1 << 16]);
        chain = new ChainImport(new QemuImages("qemu-img"), InstantSource.system())
                .importDisks(root.resolve("web.holdfast"), new TreeMap<>(Map.of("d0", raw)));
    }

    private VmDefinition definition(Keep keep) {
        return OneDisk.definition(WEB, new VmDefinition.Disk("d0", chain.path().resolve("head/d0"), keep));
    }

    private StoredCopies withTool(String refusal) {
        return withTool(refusal, Keep.AUTO);
    }

    /** @param refusal empty if the tool copies */
    private StoredCopies withTool(String refusal, Keep keep) {
        Commands tool = refusal.isEmpty() ? CopyingTool.willing() : CopyingTool.refusing(refusal);
        return new StoredCopies(
                chain,
                definition(keep),
                new DirectoryStore(tool, vm -> Optional.of(chain.file(RAW).getParent())),
                Optional.empty());
    }

    private static TreeMap<Layer, Layer> only(Layer root, Layer copy) {
        return new TreeMap<>(Map.of(root, copy));
    }

    @Test
    void aRawFileOnStorageThatClonesIsKeptAndItsCopyIsALayer() throws IOException {
        StoredCopies copies = withTool("");
        Layer copy = RAW.copy(4);
        assertThat(copies.keeps(RAW)).isTrue();
        assertThat(copies.keeps(new Layer("d0", 1))).isFalse();
        copies.copy(only(RAW, copy));
        copies.copy(only(RAW, copy));
        assertThat(chain.graph().backing()).containsOnlyKeys(RAW, copy);
        copies.remove(copy);
        copies.remove(copy);
        assertThat(chain.graph().backing()).containsOnlyKeys(RAW);
    }

    @Test
    void whatItsStorageDoesNotCopyStaysALayer() {
        StoredCopies copies = withTool("Operation not supported");
        assertThat(copies.keeps(RAW)).isFalse();
        assertThatThrownBy(() -> copies.copy(only(RAW, RAW.copy(4))))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("does not clone it any more");
        assertThat(new StoredCopies(chain, definition(Keep.AUTO), new ImageStores(List.of()), Optional.empty())
                        .keeps(RAW))
                .isFalse();
        assertThat(withTool("").keeps(new Layer("d9", 1, ImageForm.RAW)))
                .as("is not there")
                .isFalse();
    }

    @Test
    void itIsToldWhatBecomesOfADiskAndWhatSpeaksAgainstACopy() throws IOException {
        DiskStorage cloned = withTool("").disks().get(0);
        assertThat(cloned.becomes()).isEqualTo(Keep.CLONE);
        assertThat(cloned.text()).startsWith("clone (file on ");
        assertThat(cloned.bytes()).isPositive();
        assertThat(cloned.obstacle()).isEmpty();

        DiskStorage layered = withTool("Operation not supported").disks().get(0);
        assertThat(layered.text()).matches("layer \\(file on .*, not cloned: Operation not supported\\)");
        assertThat(layered.obstacle().orElseThrow()).contains("keep = \"layer\"");
        assertThat(layered.bytes()).isZero();
    }

    @Test
    void whoWantsALayerGetsOneAndIsNotTold() throws IOException {
        StoredCopies copies = withTool("", Keep.LAYER);
        assertThat(copies.keeps(RAW)).isFalse();
        assertThat(copies.disks())
                .singleElement()
                .satisfies(disk -> assertThat(disk.becomes()).isEqualTo(Keep.LAYER))
                .satisfies(disk -> assertThat(disk.obstacle()).isEmpty());
        assertThat(copies.candidates()).as("nobody is asked before a snapshot").isEmpty();
        assertThat(withTool("Operation not supported", Keep.CLONE).candidates()).hasSize(1);
    }

    @Test
    void onlyHalfAnIncrementIsTheMachinesToGiveUp() throws IOException {
        StoredCopies copies = withTool("", Keep.INCREMENT);
        Layer copy = RAW.increment(4);
        new QemuImages("qemu-img").create(chain.file(copy), 1 << 16);
        assertThatCode(() -> copies.remove(copy)).doesNotThrowAnyException();
        Files.delete(chain.file(copy));
        assertThatThrownBy(() -> copies.remove(copy)).hasMessageContaining("only looks");
    }
}
