package dev.holdfast.agent.snapshot.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QemuImagesTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @TempDir
    private Path directory;

    /** The agent: commits with a program that takes for ever. */
    static final class Commits {
        private Commits() {}

        public static void main(String[] arguments) throws IOException {
            Path image = Files.createFile(Path.of(arguments[1]));
            new QemuImages(arguments[0]).commit(image, image, (done, total) -> {});
        }
    }

    @Test
    void whatRewritesAnImageEndsWithAnAgentThatIsKilled() throws Exception {
        Path pid = directory.resolve("pid");
        Path program = Files.writeString(
                directory.resolve("forever"),
                "#!/bin/sh\necho $$ >%1$s.new && mv %1$s.new %1$s\nexec sleep 600\n".formatted(pid));
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
        Process agent = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Commits.class.getName(),
                        program.toString(),
                        directory.resolve("image").toString())
                .redirectErrorStream(true)
                .redirectOutput(new File("/dev/null"))
                .start();
        try {
            await().atMost(PATIENCE).until(() -> Files.exists(pid) || !agent.isAlive());
            ProcessHandle rewriting = ProcessHandle.of(
                            Long.parseLong(Files.readString(pid).strip()))
                    .orElseThrow();
            assertThat(rewriting.isAlive()).isTrue();
            agent.destroyForcibly().waitFor();
            await().atMost(PATIENCE).until(() -> !rewriting.isAlive());
        } finally {
            agent.destroyForcibly();
        }
    }
}
