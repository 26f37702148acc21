package dev.holdfast.agent.config;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;

/** Writes configurations for tests. */
public final class ConfigurationFiles {
    final Path directory;

    public ConfigurationFiles(Path directory) throws IOException {
        this.directory = directory;
        Files.createDirectories(directory.resolve("vms"));
        secret("zookeeper.secret", "holdfast:secret\n");
        secret("channel.key", "shared\n");
        node("");
    }

    Path node(String toml) throws IOException {
        return Files.writeString(directory.resolve("holdfast.toml"), toml);
    }

    public Path vm(String file, String toml) throws IOException {
        return Files.writeString(directory.resolve("vms").resolve(file), toml);
    }

    Path secret(String file, String content) throws IOException {
        Path path = Files.writeString(directory.resolve(file), content);
        return Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
    }

    public Configuration load() throws ConfigurationException {
        return ConfigurationLoader.load(directory.resolve("holdfast.toml"), "host1");
    }

    /** The texts of all problems, with paths relative to the configuration directory. */
    List<String> problems() {
        List<Problem> found = new ArrayList<>();
        try {
            load().broken().forEach(file -> found.addAll(file.problems()));
        } catch (ConfigurationException e) {
            found.addAll(e.problems());
        }
        return found.stream()
                .map(problem -> problem.text().replace(directory + "/", ""))
                .toList();
    }

    /** A valid machine. */
    static String machine(String name) {
        return """
                name = "%s"
                machine = "pc-q35-7.2"
                memory = "64M"
                """.formatted(name);
    }
}
