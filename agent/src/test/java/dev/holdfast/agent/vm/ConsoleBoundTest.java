package dev.holdfast.agent.vm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A file that somebody appends to, as hypervisors do. */
class ConsoleBoundTest {
    private final ConsoleBound bound = new ConsoleBound(100, 10);

    @TempDir
    private Path directory;

    private static void say(OutputStream guest, String text) throws IOException {
        guest.write(text.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void theEndStaysAndWhoeverAppendsGoesOnBehindIt() throws IOException {
        Path console = Files.createFile(directory.resolve("console"));
        try (OutputStream guest = Files.newOutputStream(console, StandardOpenOption.APPEND)) {
            say(guest, "x".repeat(100));
            assertThat(bound.cut(console)).as("it may be that long").isFalse();
            say(guest, "\nlast words");
            assertThat(bound.cut(console)).isTrue();
            assertThat(console).hasContent("last words");
            say(guest, " and more");
        }
        assertThat(console).hasContent("last words and more");
        assertThat(bound.cut(console)).isFalse();
        assertThat(bound.cut(directory.resolve("none"))).isFalse();
    }

    @Test
    void whatLeadsElsewhereIsNotCut() throws IOException {
        Path theirs = Files.writeString(directory.resolve("theirs"), "x".repeat(200));
        assertThat(bound.cut(Files.createSymbolicLink(directory.resolve("console"), theirs)))
                .isFalse();
        Path second = Files.createLink(directory.resolve("second"), theirs);
        assertThatThrownBy(() -> bound.cut(second))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("2 names");
        assertThat(theirs).hasSize(200);
    }
}
