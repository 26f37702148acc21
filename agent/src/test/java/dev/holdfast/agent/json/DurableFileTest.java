package dev.holdfast.agent.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DurableFileTest {
    record Note(String text, int count, List<String> lines) {}

    private static final Note NOTE = new Note("hello", 5, List.of("a", "b"));
    private static final DurableFile<Note> NOTES = new DurableFile<>("note", 1, Note.class);

    @TempDir
    private Path directory;

    private Path file;

    @BeforeEach
    void nameTheFile() {
        file = directory.resolve("n.json");
    }

    @Test
    void readsWhatWasWritten() throws Exception {
        NOTES.write(file, new Note("old", 1, List.of()));
        NOTES.write(file, NOTE);

        assertThat(NOTES.read(file)).isEqualTo(NOTE);
        assertThat(Files.list(directory)).containsExactly(file);
    }

    @Test
    void aTornFileIsUnreadableAtEveryLength() throws Exception {
        NOTES.write(file, NOTE);
        byte[] whole = Files.readAllBytes(file);

        for (int length = 0; length < whole.length - 2; length++) {
            Files.write(file, Arrays.copyOf(whole, length));
            assertThatThrownBy(() -> NOTES.read(file)).isInstanceOf(UnreadableFileException.class);
        }
    }

    @Test
    void aFlippedBitNeverChangesWhatIsRead() throws Exception {
        NOTES.write(file, NOTE);
        byte[] whole = Files.readAllBytes(file);
        int unreadable = 0;

        for (int bit = 0; bit < whole.length * 8; bit++) {
            byte[] flipped = whole.clone();
            flipped[bit / 8] ^= (byte) (1 << bit % 8);
            Files.write(file, flipped);
            try {
                assertThat(NOTES.read(file)).isEqualTo(NOTE);
            } catch (UnreadableFileException e) {
                unreadable++;
            }
        }
        assertThat(unreadable).isGreaterThan(whole.length * 7);
    }

    @Test
    void aHalfWrittenTemporaryFileIsNoObstacle() throws Exception {
        NOTES.write(file, NOTE);
        Files.writeString(directory.resolve(".n.json.tmp"), "{\"format\":\"no");

        assertThat(NOTES.read(file)).isEqualTo(NOTE);
        NOTES.write(file, new Note("next", 2, List.of()));
        assertThat(NOTES.read(file).text()).isEqualTo("next");
    }

    @Test
    void aFailedWriteKeepsTheOldContent() throws Exception {
        NOTES.write(file, NOTE);
        Files.createDirectory(directory.resolve(".n.json.tmp"));

        assertThatThrownBy(() -> NOTES.write(file, new Note("next", 2, List.of())))
                .isInstanceOf(IOException.class);
        assertThat(NOTES.read(file)).isEqualTo(NOTE);
    }

    @Test
    void unreadableFilesAreNamedAndLeftAlone() throws Exception {
        Files.writeString(file, "{}");

        assertThatThrownBy(() -> NOTES.read(file))
                .isInstanceOf(UnreadableFileException.class)
                .hasMessageContaining(file.toString())
                .hasMessageContaining("left as it is");
        assertThat(file).hasContent("{}");
    }

    @Test
    void otherKindsAndVersionsAreRefused() throws Exception {
        new DurableFile<>("other", 1, Note.class).write(file, NOTE);
        assertThatThrownBy(() -> NOTES.read(file)).hasMessageContaining("kind \"note\"");

        new DurableFile<>("note", 2, Note.class).write(file, NOTE);
        assertThatThrownBy(() -> NOTES.read(file)).hasMessageContaining("version 2, this Holdfast knows version 1");
    }

    @Test
    void anAbsentFileIsNotAnUnreadableOne() {
        assertThatThrownBy(() -> NOTES.read(file)).isInstanceOf(NoSuchFileException.class);
    }

    @Test
    void removalIsIdempotent() throws Exception {
        NOTES.write(file, NOTE);

        DurableFile.delete(file);
        DurableFile.delete(file);

        assertThat(file).doesNotExist();
    }

    @Test
    void aPersonMayReformatTheFile() throws Exception {
        NOTES.write(file, NOTE);
        Files.writeString(file, Files.readString(file).replaceAll("\\s*\n\\s*", " "));

        assertThat(NOTES.read(file)).isEqualTo(NOTE);
    }
}
