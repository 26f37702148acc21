package dev.holdfast.agent.walls;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Who runs which tests is said by their names and tags: a lane that only leaves some out (that of another JDK) takes all others. */
class LanesTest {
    private static final Pattern TEST = Pattern.compile("^ {4}@(Parameterized)?Test\\b", Pattern.MULTILINE);

    /** Maven alone would not run it: something else does, where it has what Maven's host has not. */
    @Test
    void whatIsNotCalledATestIsLeftToTheLongRun() throws IOException {
        List<Path> unusual;
        try (Stream<Path> files = Files.walk(Path.of("src/test/java"))) {
            unusual = files.filter(file -> file.toString().endsWith(".java")
                            && !file.toString().endsWith("Test.java"))
                    .filter(file -> TEST.matcher(text(file)).find())
                    .toList();
        }
        assertThat(unusual).as("those that run in an emulated Xen").isNotEmpty();
        assertThat(unusual).allSatisfy(file -> assertThat(text(file)).contains("@Tag(\"soak\")"));
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
