package dev.holdfast.agent.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Whatever comes from outside, by a coverage-guided fuzzer (Jazzer, libFuzzer) in a process of its own: no exception but the
 * declared ones, no input that takes a minute, no memory or descriptors that are kept. It begins with the inputs
 * below {@code resources/fuzz}, where each one that has ever failed stays. {@code deploy/fuzz.sh} does the same for longer.
 */
class FuzzTest {
    private static final Path INPUTS = Path.of("src/test/resources/fuzz");
    private static final int RUNS = 20_000;
    /** Fewer, and the fuzzer itself cannot load its library. */
    private static final int DESCRIPTORS = 256;

    @Test
    void everythingIsReadOrRefused(@TempDir Path work) throws IOException, InterruptedException {
        int kept = inputs(Files.createDirectory(work.resolve("corpus")));
        Path log = Path.of("target", "fuzz.log").toAbsolutePath();

        Process fuzzer = new ProcessBuilder(command())
                .directory(work.toFile())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        boolean ended;
        try {
            ended = fuzzer.waitFor(20, TimeUnit.MINUTES);
        } finally {
            fuzzer.destroyForcibly();
        }

        String told = Files.readString(log);
        assertThat(ended).as("it ends; see %s", log).isTrue();
        assertThat(fuzzer.exitValue())
                .as("what it found is in %s:%n%s", log, told.substring(Math.max(0, told.length() - 3000)))
                .isZero();
        assertThat(told).contains("seed corpus: files: " + kept).contains("Done " + RUNS + " runs");
    }

    /** Each input with its target before it. */
    private static int inputs(Path corpus) throws IOException {
        int copied = 0;
        byte number = 0;
        for (Target target : Target.all()) {
            try (Stream<Path> inputs = Files.list(INPUTS.resolve(target.corpus()))) {
                for (Path input : inputs.sorted().toList()) {
                    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
                    bytes.write(number);
                    Files.copy(input, bytes);
                    Files.write(
                            corpus.resolve("%s-%s".formatted(target.name(), input.getFileName())), bytes.toByteArray());
                    copied++;
                }
            }
            number++;
        }
        return copied;
    }

    private static List<String> command() {
        return List.of(
                "bash",
                "-c",
                "ulimit -n " + DESCRIPTORS + "; exec \"$@\"",
                "fuzz",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-XX:-OmitStackTraceInFastThrow",
                "-Djava.io.tmpdir=.",
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                "com.code_intelligence.jazzer.Jazzer",
                "--target_class=" + EverythingFuzz.class.getName(),
                "--instrumentation_includes=dev.holdfast.**:com.fasterxml.jackson.core.json.ReaderBasedJsonParser",
                "-runs=" + RUNS,
                "-seed=1",
                "-timeout=60",
                "-rss_limit_mb=1600",
                "-max_len=4096",
                "corpus");
    }
}
