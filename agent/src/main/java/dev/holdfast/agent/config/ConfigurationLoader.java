package dev.holdfast.agent.config;

import dev.holdfast.agent.files.Ownership;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tomlj.Toml;
import org.tomlj.TomlParseError;
import org.tomlj.TomlParseResult;

/**
 * Reads the configuration of a node. Blocks on the disk. Any thread.
 */
public final class ConfigurationLoader {
    /** Where the configuration is unless somebody says otherwise. */
    public static final Path DEFAULT_FILE = Path.of("/etc/holdfast/holdfast.toml");

    private static final Logger LOG = LoggerFactory.getLogger(ConfigurationLoader.class);
    private static final Path HOST_NAME = Path.of("/proc/sys/kernel/hostname");
    static final long LARGEST_FILE = 1L << 20;

    private final Path file;
    private final String hostName;
    private final List<Problem> problems = new ArrayList<>();

    private ConfigurationLoader(Path file, String hostName) {
        this.file = file.toAbsolutePath().normalize();
        this.hostName = hostName;
    }

    /**
     * Reads everything: {@code holdfast.toml} and the machines, and examines the files they name.
     *
     * @throws ConfigurationException with all problems of {@code holdfast.toml}, and of the machines' files too then. Those
     *     alone are no reason: they are in the configuration as {@linkplain Configuration#broken broken}
     */
    public static Configuration load(Path file, String hostName) throws ConfigurationException {
        ConfigurationLoader loader = new ConfigurationLoader(file, hostName);
        Optional<NodeSettings> node = loader.node(true);
        Machines machines = loader.vms(node.map(NodeSettings::vmsDirectory).orElse(loader.file.resolveSibling("vms")));
        if (!loader.problems.isEmpty() || node.isEmpty()) {
            List<Problem> all = new ArrayList<>(loader.problems);
            machines.broken().forEach(each -> all.addAll(each.problems()));
            throw new ConfigurationException(all);
        }
        return new Configuration(node.get(), machines.good(), machines.broken());
    }

    /** As {@link #load(Path, String)} with the name this host has now. */
    public static Configuration load(Path file) throws ConfigurationException {
        return load(file, currentHostName());
    }

    /**
     * Reads {@code holdfast.toml} alone, without a look at the secrets it names: for the command line, which runs as a
     * user who may not read them.
     *
     * @throws ConfigurationException with all problems of the file
     */
    public static NodeSettings loadNode(Path file) throws ConfigurationException {
        ConfigurationLoader loader = new ConfigurationLoader(file, currentHostName());
        Optional<NodeSettings> node = loader.node(false);
        if (!loader.problems.isEmpty() || node.isEmpty()) {
            throw new ConfigurationException(loader.problems);
        }
        return node.get();
    }

    private static String currentHostName() {
        try {
            return Files.readString(HOST_NAME).strip();
        } catch (IOException e) {
            return ""; // Not a valid node name, so that the reader asks for the key.
        }
    }

    private Optional<NodeSettings> node(boolean withFiles) {
        if (withFiles) {
            checkOwner(file, problems);
        }
        return parse(file, problems, root -> new NodeReader(file, hostName, withFiles).read(root));
    }

    /** What a machine's file says is done by root, too. A file that is not there is reported by who reads it. */
    private static void checkOwner(Path toml, List<Problem> problems) {
        try {
            Ownership.doubt(toml)
                    .ifPresent(doubt -> problems.add(new Problem(toml, 0, 0, doubt.what(), doubt.correction())));
        } catch (IOException e) {
            LOG.debug("{} cannot be examined: {}", toml, e.getMessage());
        }
    }

    /** Machines, and files that define none. */
    private record Machines(List<VmSettings> good, List<BrokenDefinition> broken) {}

    /** A file and what was read of it, empty if its syntax is wrong. A later file may still find problems in it. */
    private record VmFile(Path path, Optional<VmReader.Read> read, List<Problem> found) {

        BrokenDefinition broken() {
            found.sort(Comparator.comparingInt(Problem::line).thenComparingInt(Problem::column));
            return TornText.of(path).broken(read, found);
        }
    }

    private Machines vms(Path directory) {
        VmReader reader = new VmReader();
        List<VmFile> files = new ArrayList<>();
        for (Path each : definitionFiles(directory)) {
            List<Problem> found = new ArrayList<>();
            checkOwner(each, found);
            files.add(new VmFile(each, parse(each, found, reader::read), found));
        }
        List<VmSettings> good = files.stream()
                .filter(file -> file.found().isEmpty())
                .flatMap(file -> file.read().flatMap(VmReader.Read::vm).stream())
                .sorted(Comparator.comparing(VmSettings::name))
                .toList();
        List<BrokenDefinition> broken = files.stream()
                .filter(file -> !file.found().isEmpty())
                .map(VmFile::broken)
                .toList();
        return new Machines(good, broken);
    }

    private List<Path> definitionFiles(Path directory) {
        if (!Files.exists(directory)) {
            return List.of(); // A node without machines, as right after the installation.
        }
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.filter(entry -> entry.getFileName().toString().endsWith(".toml"))
                    .filter(entry -> !entry.getFileName().toString().startsWith("."))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            problems.add(
                    new Problem(directory, 0, 0, "the directory cannot be read: " + e, "check its mode and owner"));
            return List.of();
        }
    }

    /** A file with wrong syntax is not looked into further: its keys may have landed in the wrong tables. */
    private <T> Optional<T> parse(Path toml, List<Problem> problems, Function<TableReader, T> reader) {
        TomlParseResult result;
        try {
            if (Files.exists(toml) && !Files.isRegularFile(toml)) {
                problems.add(new Problem(toml, 0, 0, "this is no regular file", "move it away"));
                return Optional.empty();
            }
            if (Files.exists(toml) && Files.size(toml) > LARGEST_FILE) {
                problems.add(new Problem(toml, 0, 0, "the file has more than 1 MiB", "is it really a configuration?"));
                return Optional.empty();
            }
            result = Toml.parse(toml);
        } catch (IOException e) {
            String why = Files.exists(toml) ? "cannot be read: " + e : "is missing";
            String correction = toml.equals(file)
                    ? "create it, or name another with --config"
                    : "check its mode and owner, and that it is text in UTF-8";
            problems.add(new Problem(toml, 0, 0, "the file " + why, correction));
            return Optional.empty();
        }
        if (result.hasErrors()) {
            for (TomlParseError error : result.errors()) {
                int line = error.position().line();
                problems.add(new Problem(toml, line, error.position().column(), "syntax: " + error.getMessage(), ""));
            }
            return Optional.empty();
        }
        T value = reader.apply(new TableReader(toml, result, "", null, problems));
        problems.sort(Comparator.comparingInt(Problem::line).thenComparingInt(Problem::column));
        return Optional.of(value);
    }
}
