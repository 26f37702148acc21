package dev.holdfast.agent.cow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.files.FileBytes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NewFileTest {
    private static final Set<PosixFilePermission> MODE = PosixFilePermissions.fromString("rw-------");

    @TempDir
    private Path directory;

    /** Has half a file, says so, and waits. */
    static final class Child {
        private Child() {}

        public static void main(String[] arguments) throws IOException {
            try (NewFile file = NewFile.begin(Path.of(arguments[0]), true, MODE)) {
                FileBytes.write(file.channel(), ByteBuffer.wrap("half".getBytes(StandardCharsets.US_ASCII)), 0);
                System.out.println("half");
                System.in.read();
            }
        }
    }

    @Test
    void aSignalLeavesTheOldFileAndNothingElse() throws IOException, InterruptedException {
        Path out = Files.writeString(directory.resolve("out"), "old");
        end(out, Process::destroy);
        assertThat(out).hasContent("old");
        assertThat(names()).containsExactly("out");
    }

    @Test
    void aCrashLeavesNothingUnderTheName() throws IOException, InterruptedException {
        Path out = directory.resolve("out");
        end(out, Process::destroyForcibly);
        assertThat(names()).singleElement().asString().matches("\\.out\\..*\\.merging");

        try (NewFile file = NewFile.begin(out, false, MODE)) {
            FileBytes.write(file.channel(), ByteBuffer.wrap("whole".getBytes(StandardCharsets.US_ASCII)), 0);
            file.publish();
        }
        assertThat(out).hasContent("whole");
    }

    @Test
    void aNameThatIsTakenMeanwhileIsKept() throws IOException {
        Path out = directory.resolve("out");
        try (NewFile file = NewFile.begin(out, false, MODE)) {
            Files.writeString(out, "quicker");
            assertThatThrownBy(file::publish)
                    .isInstanceOf(CowException.class)
                    .hasMessageContaining(out + " is there already");
        }
        assertThat(out).hasContent("quicker");
        assertThat(names()).containsExactly("out");
    }

    private interface Ending {
        void end(Process process);
    }

    private static void end(Path out, Ending ending) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Child.class.getName(),
                        out.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try {
            assertThat(process.inputReader().readLine()).isEqualTo("half");
        } finally {
            ending.end(process);
            process.waitFor();
        }
    }

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }
}
