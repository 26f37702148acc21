package dev.holdfast.agent.fuzz;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;

/** One line of {@code resources/fuzz/targets}. */
record Target(String name, String type) {

    static List<Target> all() throws IOException {
        try (InputStream lines = Objects.requireNonNull(Target.class.getResourceAsStream("/fuzz/targets"))) {
            return new String(lines.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.startsWith("#"))
                    .map(line -> line.split(" ", 3))
                    .map(words -> new Target(words[0], words[1]))
                    .toList();
        }
    }

    /** Name of the directory of its inputs. */
    String corpus() {
        return type.substring(type.lastIndexOf('.') + 1);
    }
}
