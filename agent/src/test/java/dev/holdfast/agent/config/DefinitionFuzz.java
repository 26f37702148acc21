package dev.holdfast.agent.config;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** Any file in the configuration's directory: settings, or problems with a place and words. */
public final class DefinitionFuzz {
    private static final Path DIRECTORY = directory();
    private static final Path NODE = DIRECTORY.resolve("holdfast.toml");
    private static final Path MACHINE = DIRECTORY.resolve("vms/web.toml");

    static {
        // The fuzzer runs all with assertions, which an agent never does. Some of tomlj's hold of text without problems
        // only.
        ClassLoader.getSystemClassLoader().setPackageAssertionStatus("org.tomlj", false);
    }

    private DefinitionFuzz() {}

    private static Path directory() {
        try {
            Path directory = Files.createTempDirectory("holdfast-fuzz");
            Files.createDirectory(directory.resolve("vms"));
            return directory;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The first byte says whether it is the node's file or a machine's. */
    public static void fuzzerTestOneInput(byte[] input) throws IOException {
        if (input.length == 0) {
            return;
        }
        byte[] text = Arrays.copyOfRange(input, 1, input.length);
        boolean node = input[0] % 2 == 0;
        Files.write(NODE, node ? text : "node = \"n1\"\ncluster = \"lab\"\n".getBytes(StandardCharsets.UTF_8));
        if (node) {
            Files.deleteIfExists(MACHINE);
        } else {
            Files.write(MACHINE, text);
        }
        try {
            Configuration read = ConfigurationLoader.load(NODE, "n1");
            read.broken().forEach(each -> each.problems().forEach(DefinitionFuzz::check));
        } catch (ConfigurationException refused) {
            if (refused.problems().isEmpty()) {
                throw new AssertionError("refused without a problem", refused);
            }
            refused.problems().forEach(DefinitionFuzz::check);
        }
    }

    private static void check(Problem problem) {
        if (problem.toString().isBlank()) {
            throw new AssertionError("a problem without words");
        }
    }
}
