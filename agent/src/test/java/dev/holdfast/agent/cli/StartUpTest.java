package dev.holdfast.agent.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class StartUpTest {

    /** What the child process runs. */
    public static final class Child {
        private Child() {}

        public static void main(String[] args) {
            FakeEnvironment environment = new FakeEnvironment();
            int exit = environment.run(args);
            System.out.print(environment.out);
            System.exit(exit);
        }
    }

    @Test
    void tellingTheVersionStartsNoLibrary() throws Exception {
        String loaded = run("-Xlog:class+load", "-cp", classes(), Child.class.getName(), "--version");

        assertThat(loaded).contains("holdfast development", "dev.holdfast.agent.cli.HoldfastCommand ");
        // The verifier looks at a few small types of picocli; what costs is the command line itself.
        assertThat(loaded.lines().filter(line -> line.contains("source: file:")))
                .noneMatch(line -> line.contains("picocli.CommandLine source"))
                .noneMatch(line -> line.matches(".*(jackson|newsclub|tomlj|slf4j).*"));
    }

    private static String run(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        return output;
    }

    private static String classes() {
        return System.getProperty("java.class.path");
    }
}
