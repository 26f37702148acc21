package dev.holdfast.agent.snapshot.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.process.BoundedProcess;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
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

    private static void run(String... command) throws Exception {
        BoundedProcess.Ended ended = BoundedProcess.run(List.of(command), PATIENCE);
        assertThat(ended.status()).as(ended.output()).isZero();
    }

    private static void write(Path image, String... commands) throws Exception {
        List<String> all =
                new ArrayList<>(List.of("qemu-io", "-f", ImageForm.of(image).format()));
        for (String command : commands) {
            all.addAll(List.of("-c", command));
        }
        all.add(image.toString());
        run(all.toArray(String[]::new));
    }

    @Test
    void aLayerIsEvenWithItsHomeIfTheSameIsThereWhereverItHoldsSomething() throws Exception {
        QemuImages images = new QemuImages("qemu-img");
        Path home = directory.resolve("home.raw");
        Path layer = directory.resolve("layer.qcow2");
        run("truncate", "-s", "64M", home.toString());
        write(home, "write -P 1 0 4M", "write -P 9 40M 64k");
        images.createOverlay(layer, home);
        assertThat(images.isEven(layer, home)).as("it holds nothing").isTrue();
        write(layer, "write -P 2 1M 3M", "write -z 3M 64k", "write -P 3 67043328 64k");
        assertThat(images.isEven(layer, home)).isFalse();
        images.commit(layer, home, Progress.NONE);
        assertThat(images.isEven(layer, home)).isTrue();
        write(home, "write -P 7 40M 64k");
        assertThat(images.isEven(layer, home))
                .as("what the layer does not hold")
                .isTrue();
        write(home, "write -P 7 3M 512");
        assertThat(images.isEven(layer, home)).as("where the layer has zeros").isFalse();
        write(home, "write -z 3M 512");
        assertThat(images.isEven(layer, home)).isTrue();
        write(home, "write -P 7 67043840 512");
        assertThat(images.isEven(layer, home)).as("at the very end").isFalse();
    }

    @Test
    void aMapThatIsNotWholeTellsNothing() {
        assertThatThrownBy(() -> TopPieces.parse("[{ \"start\": 0, \"length\": 65536, \"depth\": 0,"))
                .hasMessageContaining("no whole map");
        assertThatThrownBy(() -> TopPieces.parse("[{ \"start\": 0, \"length\": 65536, \"depth\": 0, \"zero\": false}]"))
                .hasMessageContaining("compressed");
        assertThatThrownBy(() -> TopPieces.parse("[{ \"start\": 0, \"length\": 65536, \"zero\": true}]"))
                .hasMessageContaining("no depth");
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
