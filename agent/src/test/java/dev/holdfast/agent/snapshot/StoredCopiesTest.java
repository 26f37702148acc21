package dev.holdfast.agent.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.process.BoundedProcess.Ended;
import dev.holdfast.agent.snapshot.chain.ChainDirectory;
import dev.holdfast.agent.snapshot.chain.ChainImport;
import dev.holdfast.agent.snapshot.chain.Layer;
import dev.holdfast.agent.snapshot.chain.QemuImages;
import dev.holdfast.agent.storage.Commands;
import dev.holdfast.agent.storage.ImageStores;
import dev.holdfast.agent.storage.directory.DirectoryStore;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
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

    /** A {@code cp} that does what it is told to, or says why not. */
    private StoredCopies withTool(String refusal) {
        Commands tool = new Commands() {
            @Override
            public Ended run(List<String> command, Duration bound) throws IOException {
                if (!refusal.isEmpty()) {
                    return new Ended(1, "cp: failed to clone: " + refusal);
                }
                Path to = Path.of(command.get(command.size() - 1));
                Files.deleteIfExists(to);
                Files.copy(Path.of(command.get(command.size() - 2)), to);
                return new Ended(0, "");
            }

            @Override
            public Optional<Ended> finish(List<String> command, Duration patience) {
                throw new AssertionError("nobody waits for a clone any longer");
            }
        };
        return new StoredCopies(
                chain,
                WEB,
                new DirectoryStore(tool, vm -> Optional.of(chain.file(RAW).getParent())));
    }

    @Test
    void aRawFileOnStorageThatClonesIsKeptAndItsCopyIsALayer() throws IOException {
        StoredCopies copies = withTool("");
        Layer copy = RAW.copy(4);
        assertThat(copies.keeps(RAW)).isTrue();
        assertThat(copies.keeps(new Layer("d0", 1))).isFalse();
        copies.copy(RAW, copy);
        copies.copy(RAW, copy);
        assertThat(chain.graph().backing()).containsOnlyKeys(RAW, copy);
        copies.remove(copy);
        copies.remove(copy);
        assertThat(chain.graph().backing()).containsOnlyKeys(RAW);
    }

    @Test
    void whatItsStorageDoesNotCopyStaysALayer() {
        StoredCopies copies = withTool("Operation not supported");
        assertThat(copies.keeps(RAW)).isFalse();
        assertThatThrownBy(() -> copies.copy(RAW, RAW.copy(4)))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("does not clone it any more");
        assertThat(new StoredCopies(chain, WEB, new ImageStores(List.of())).keeps(RAW))
                .isFalse();
        assertThat(withTool("").keeps(new Layer("d9", 1, ImageForm.RAW)))
                .as("is not there")
                .isFalse();
    }
}
