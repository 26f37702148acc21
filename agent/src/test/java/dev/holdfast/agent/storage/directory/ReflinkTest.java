package dev.holdfast.agent.storage.directory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.storage.HostCommands;
import dev.holdfast.agent.storage.ImageStore.CopyName;
import dev.holdfast.agent.storage.ImageStore.Copying;
import dev.holdfast.agent.storage.ImageStore.Health;
import dev.holdfast.agent.storage.ImageStore.Site;
import dev.holdfast.agent.storage.ImageStore.Way;
import dev.holdfast.agent.storage.LoopFileSystem;
import dev.holdfast.agent.storage.StorageException;
import dev.holdfast.agent.storage.StorageException.Kind;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Copies on real file systems. */
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class ReflinkTest {
    private static final Name WEB = new Name("web");
    private static final CopyName COPY = new CopyName(WEB, "d0-000004-of-000001");
    private static final Copying CLONE = new Copying(Way.CLONE, 100);
    private static final int IMAGE = 16 << 20;
    private static final int NEXT_TO_NOTHING = 1 << 20;

    @TempDir
    Path directory;

    private static DirectoryStore store(Path layers) {
        return new DirectoryStore(new HostCommands(), vm -> vm.equals(WEB) ? Optional.of(layers) : Optional.empty());
    }

    private static Path image(Path layers) throws IOException {
        byte[] content = new byte[IMAGE];
        new Random(1).nextBytes(content);
        Path image = Files.write(layers.resolve("d0-000001.raw"), content);
        writeBack(image);
        return image;
    }

    /** Room is only told when what was written has found its place. */
    private static void writeBack(Path file) throws IOException {
        new HostCommands().run(List.of("sync", "-f", file.toString()), Duration.ofSeconds(60));
    }

    private static List<String> names(Path layers) throws IOException {
        try (Stream<Path> files = Files.list(layers)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"xfs", "btrfs"})
    void aCopySharesItsBlocksAndIsNotChangedWithTheOriginal(String kind) throws Exception {
        try (LoopFileSystem mounted = new LoopFileSystem(kind, directory)) {
            Path layers = Files.createDirectory(mounted.point().resolve("layers"));
            Path image = image(layers);
            byte[] before = Files.readAllBytes(image);
            DirectoryStore store = store(layers);
            Site site = store.site(image).orElseThrow();
            assertThat(site.best()).contains(Way.CLONE);
            assertThat(site.words()).isEqualTo("file on " + kind);
            assertThat(site.bytes()).isEqualTo(IMAGE);
            assertThat(store.outlook(site, CLONE).obstacles()).isEmpty();
            assertThat(names(layers)).as("nothing is left of trials").containsExactly("d0-000001.raw");

            long usable = Files.getFileStore(image).getUsableSpace();
            List<Long> told = new ArrayList<>();
            Path copy = store.copy(site, CLONE, COPY, (done, total) -> told.add(done));
            assertThat(copy).isEqualTo(layers.resolve("d0-000004-of-000001.raw"));
            assertThat(told).containsExactly(0L, (long) IMAGE);
            assertThat(Files.getFileStore(image).getUsableSpace()).isGreaterThan(usable - NEXT_TO_NOTHING);
            assertThat(Files.getPosixFilePermissions(copy)).hasSize(2);
            assertThat(Files.getLastModifiedTime(copy)).isEqualTo(Files.getLastModifiedTime(image));
            assertThat(store.health(copy).state()).isEqualTo(Health.State.GOOD);
            assertThat(store.copies(WEB)).containsExactly(COPY);

            Files.write(image, new byte[NEXT_TO_NOTHING], StandardOpenOption.WRITE);
            assertThat(copy).hasBinaryContent(before);
            assertThat(store.copy(site, CLONE, COPY, Progress.NONE)).isEqualTo(copy);
            assertThat(copy).as("asked for again, it stays").hasBinaryContent(before);
            assertThat(image).content(StandardCharsets.ISO_8859_1).startsWith("\0\0\0");

            store.remove(COPY);
            store.remove(COPY);
            assertThat(names(layers)).containsExactly("d0-000001.raw");
            assertThat(store.health(copy).state()).isEqualTo(Health.State.ABSENT);
            assertThat(store.copies(WEB)).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"ext4", "tmpfs"})
    void whatCannotShareBlocksSaysSoAndKeepsNothing(String kind) throws Exception {
        try (LoopFileSystem mounted = new LoopFileSystem(kind, directory)) {
            Path layers = Files.createDirectory(mounted.point().resolve("layers"));
            Path image = image(layers);
            DirectoryStore store = store(layers);
            Site site = store.site(image).orElseThrow();
            assertThat(site.best()).isEmpty();
            assertThat(site.words()).isEqualTo("file on " + kind + ", not cloned: Operation not supported");
            assertThat(store.outlook(site, CLONE).obstacles())
                    .singleElement()
                    .asString()
                    .contains(image.toString(), "keep = \"layer\"");
            assertThatThrownBy(() -> store.copy(site, CLONE, COPY, Progress.NONE))
                    .isInstanceOfSatisfying(
                            StorageException.class, e -> assertThat(e.kind()).isEqualTo(Kind.FAILED))
                    .hasMessageContaining("Operation not supported");
            assertThat(names(layers)).containsExactly("d0-000001.raw");
        }
    }

    @Test
    void aFullFileSystemIsLeftAsItWas() throws Exception {
        try (LoopFileSystem mounted = new LoopFileSystem("xfs", directory)) {
            Path layers = Files.createDirectory(mounted.point().resolve("layers"));
            Path image = image(layers);
            DirectoryStore store = store(layers);
            Site site = store.site(image).orElseThrow();
            Path rest = mounted.point().resolve("rest");
            fill(rest, 1 << 20);
            fill(mounted.point().resolve("last"), 1 << 12);
            assertThatThrownBy(() -> store.copy(site, CLONE, COPY, Progress.NONE))
                    .isInstanceOfSatisfying(
                            StorageException.class, e -> assertThat(e.kind()).isEqualTo(Kind.FAILED))
                    .hasMessageContaining("No space left on device");
            assertThat(names(layers)).containsExactly("d0-000001.raw");
            assertThat(store.outlook(site, CLONE).obstacles())
                    .singleElement()
                    .asString()
                    .contains("No space left on device");
            Files.delete(rest);
            assertThat(store.copy(site, CLONE, COPY, Progress.NONE)).exists();
        }
    }

    /** Writes until there is no room. */
    private static void fill(Path file, int piece) throws IOException {
        byte[] bytes = new byte[piece];
        try (OutputStream out = Files.newOutputStream(file)) {
            assertThatThrownBy(() -> {
                        for (int written = 0; written < IMAGE; written++) {
                            out.write(bytes);
                        }
                    })
                    .isInstanceOf(IOException.class);
        }
        writeBack(file);
    }
}
