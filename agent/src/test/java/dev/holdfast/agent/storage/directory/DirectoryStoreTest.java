package dev.holdfast.agent.storage.directory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.process.BoundedProcess.Ended;
import dev.holdfast.agent.storage.Commands;
import dev.holdfast.agent.storage.ImageStore.CopyName;
import dev.holdfast.agent.storage.ImageStore.Copying;
import dev.holdfast.agent.storage.ImageStore.Site;
import dev.holdfast.agent.storage.ImageStore.Way;
import dev.holdfast.agent.storage.StorageException;
import dev.holdfast.agent.storage.StorageException.Kind;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of copies whose tool fails, hangs, is killed half-way or is missing. */
final class DirectoryStoreTest {
    private static final Name WEB = new Name("web");
    private static final CopyName COPY = new CopyName(WEB, "d0-000004-of-000001");
    private static final Copying CLONE = new Copying(Way.CLONE, 100);
    private static final String HALF = ".d0-000004-of-000001.raw.tmp";

    @TempDir
    Path layers;

    private Path image;

    /** A {@code cp} that copies half, and then ends so. */
    private record HalfCopies(Optional<Ended> end) implements Commands {
        @Override
        public Ended run(List<String> command, Duration bound) throws IOException {
            Files.writeString(Path.of(command.get(command.size() - 1)), "ima");
            return end.orElseThrow(() -> new IOException("cp did not end within 600 s and was killed"));
        }

        @Override
        public Optional<Ended> finish(List<String> command, Duration patience) {
            throw new IllegalStateException("what copies files may be killed: " + command);
        }
    }

    @BeforeEach
    void image() throws IOException {
        image = Files.writeString(layers.resolve("d0-000001.raw"), "image");
    }

    private DirectoryStore store(Commands commands) {
        return new DirectoryStore(commands, vm -> vm.equals(WEB) ? Optional.of(layers) : Optional.empty());
    }

    private Site site() {
        return new Site(image, Optional.of(Way.CLONE), "file", 5, true, true);
    }

    private void assertNothingIsLeftOf(Commands commands, String because) {
        assertThatThrownBy(() -> store(commands).copy(site(), CLONE, COPY, Progress.NONE))
                .isInstanceOfSatisfying(
                        StorageException.class, e -> assertThat(e.kind()).isEqualTo(Kind.FAILED))
                .hasMessageContaining(because);
        assertThat(layers).isDirectoryNotContaining("glob:**of*");
    }

    @Test
    void nothingIsLeftOfACopyThatFails() {
        assertNothingIsLeftOf(
                new HalfCopies(Optional.of(new Ended(1, "cp: Input/output error"))), "Input/output error");
        assertNothingIsLeftOf(new HalfCopies(Optional.of(new Ended(127, "cp: not found"))), "not found");
        assertNothingIsLeftOf(new HalfCopies(Optional.empty()), "was killed");
    }

    /** The reason is cut out of what it says. */
    @Test
    void theToolSpeaksOneLanguage() throws Exception {
        List<List<String>> commands = new ArrayList<>();
        Commands recording = new Commands() {
            @Override
            public Ended run(List<String> command, Duration bound) {
                commands.add(command);
                return new Ended(1, "cp: failed to clone: Operation not supported");
            }

            @Override
            public Optional<Ended> finish(List<String> command, Duration patience) {
                throw new IllegalStateException("what copies files may be killed: " + command);
            }
        };
        assertThat(store(recording).site(image).orElseThrow().words()).endsWith("not cloned: Operation not supported");
        assertThat(commands).singleElement().asList().startsWith("env", "LC_ALL=C", "cp");
    }

    @Test
    void halfACopyIsNoCopyAndIsRemovedByTheNameOfTheWhole() throws Exception {
        Path half = Files.writeString(layers.resolve(HALF), "ima");
        DirectoryStore store = store(new HalfCopies(Optional.empty()));
        assertThat(store.copies(WEB)).isEmpty();
        store.remove(COPY);
        assertThat(half).doesNotExist();
        assertThat(image).hasContent("image");
    }

    @Test
    void onlyWhatIsCalledACopyIsOne() throws Exception {
        for (String name : List.of(
                "d0-000004-of-000001.raw", "d0-000004-of-000001.qcow2", "d0-000004.raw", "d0-of-000001.raw", "x.raw")) {
            Files.writeString(layers.resolve(name), "");
        }
        Files.createDirectory(layers.resolve("d1-000004-of-000001.raw"));
        DirectoryStore store = store(new HalfCopies(Optional.empty()));
        assertThat(store.copies(WEB)).containsExactly(COPY);
        assertThat(store.copies(new Name("other"))).isEmpty();
        store.remove(new CopyName(new Name("other"), COPY.layer()));
        assertThat(layers.resolve("d0-000004-of-000001.raw")).exists();
        assertThatThrownBy(() -> new CopyName(WEB, "../d0-000004-of-000001"))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void filesAreCopiedAsFilesOnly() throws Exception {
        DirectoryStore store = store(new HalfCopies(Optional.of(new Ended(0, ""))));
        Copying thin = new Copying(Way.THIN, 100);
        assertThat(store.outlook(site(), thin).obstacles())
                .singleElement()
                .asString()
                .contains("as CLONE only");
        assertThatThrownBy(() -> store.copy(site(), thin, COPY, Progress.NONE))
                .isInstanceOfSatisfying(
                        StorageException.class, e -> assertThat(e.kind()).isEqualTo(Kind.REFUSED));
    }

    @Test
    void whatIsNoFileIsNotKnown() throws Exception {
        DirectoryStore store = store(new HalfCopies(Optional.empty()));
        assertThat(store.site(layers)).isEmpty();
        assertThat(store.site(layers.resolve("none"))).isEmpty();
        assertThat(store.site(Path.of("/dev/null"))).isEmpty();
    }

    @Test
    void whereItCannotBeTriedItIsNotDetected() throws Exception {
        Site site = store(new HalfCopies(Optional.of(new Ended(127, "setpriv: failed to execute cp: No such file"))))
                .site(image)
                .orElseThrow();
        assertThat(site.best()).isEmpty();
        assertThat(site.words()).endsWith("not cloned: No such file");
        assertThat(layers).isDirectoryNotContaining("glob:**trial*");
    }
}
