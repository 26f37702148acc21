package dev.holdfast.agent.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How the definition of a domain gets its file. */
class AdoptCommandTest {
    @TempDir
    private Path directory;

    @Test
    void itIsWholeAndAloneAndReplacesNothing() throws Exception {
        Path file = directory.resolve("web.toml");
        Files.writeString(
                directory.resolve("web.toml.half"), "left by one that was killed, and longer than the new one");
        AdoptCommand.write(file, "name = \"web\"\n");
        assertThat(file).hasContent("name = \"web\"");
        assertThat(directory).isDirectoryNotContaining("glob:**.half");
        assertThatThrownBy(() -> AdoptCommand.write(file, "other"))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("is there already");
        assertThat(file).hasContent("name = \"web\"");
        assertThat(directory).isDirectoryNotContaining("glob:**.half");
    }

    @Test
    void oneThatCannotBeWrittenWholeIsNotThere() throws Exception {
        Path file = directory.resolve("web.toml");
        Files.createDirectory(directory.resolve("web.toml.half"));
        assertThatThrownBy(() -> AdoptCommand.write(file, "name")).isInstanceOf(IOException.class);
        assertThat(file).doesNotExist();
    }
}
