package dev.holdfast.agent.doctor;

import dev.holdfast.agent.config.ConfigurationException;
import dev.holdfast.agent.config.ConfigurationLoader;
import dev.holdfast.agent.config.NodeSettings;
import dev.holdfast.agent.process.BoundedProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Collects what a support engineer asks for: configuration, logs, findings. Secret files are not in it; what they hold, and what
 * looks like a secret, is taken out of everything that is. One thread.
 */
public final class Bundle {

    private static final Duration BOUND = Duration.ofSeconds(20);
    private static final int LONGEST = 16 << 20;
    private static final int LONGEST_NAME = 60;
    private static final List<String> JOURNAL = List.of(
            "journalctl",
            "--unit=holdfast",
            "--unit=holdfast-guard",
            "--unit=holdfast-zookeeper",
            "--lines=20000",
            "--no-pager",
            "--output=short-iso-precise");

    private final Path configuration;
    private final List<String> logs;
    private final TreeMap<String, String> texts = new TreeMap<>();

    /** @param configuration {@code holdfast.toml} */
    public Bundle(Path configuration) {
        this(configuration, JOURNAL);
    }

    /** @param logs the command that prints them */
    Bundle(Path configuration, List<String> logs) {
        this.configuration = configuration;
        this.logs = logs;
    }

    /** Adds an answer of the agent. */
    public void add(String name, String text) {
        texts.put(name, text);
    }

    /**
     * Collects the rest and writes everything.
     *
     * @param file must not exist
     */
    public void write(Path file, Instant at) throws IOException {
        Optional<NodeSettings> node = settings();
        addFile("etc/holdfast.toml", configuration);
        Path definitions = node.map(NodeSettings::vmsDirectory).orElse(configuration.resolveSibling("vms"));
        for (Path definition : list(definitions)) {
            String name = definition.getFileName().toString();
            if (name.endsWith(".toml") && name.length() <= LONGEST_NAME) {
                addFile("etc/vms/" + name, definition);
            }
        }
        addOutput("logs/journal.txt", logs);
        addOutput("host/kernel.txt", List.of("uname", "-a"));
        addOutput("host/file-systems.txt", List.of("df", "-h"));
        addOutput("host/services.txt", List.of("systemctl", "--no-pager", "status", "holdfast", "holdfast-guard"));
        addOutput("host/pacemaker.txt", List.of("crm_mon", "-1"));
        node.ifPresent(known -> addOutput(
                "host/run.txt", List.of("ls", "-lR", known.runDirectory().toString())));
        Redaction redaction = new Redaction(secrets(node));
        TreeMap<String, String> clean = new TreeMap<>();
        for (Map.Entry<String, String> text : texts.entrySet()) {
            clean.put("holdfast-bundle/" + text.getKey(), redaction.of(text.getValue()));
        }
        Archive.write(file, clean, at);
    }

    private Optional<NodeSettings> settings() {
        try {
            return Optional.of(ConfigurationLoader.loadNode(configuration));
        } catch (ConfigurationException e) {
            add("etc/problems.txt", String.valueOf(e.getMessage()));
            return Optional.empty();
        }
    }

    private static List<String> secrets(Optional<NodeSettings> node) {
        List<String> secrets = new ArrayList<>();
        node.ifPresent(known -> {
            List<Path> files = new ArrayList<>(
                    List.of(known.zookeeper().credentials(), known.channel().key()));
            known.zookeeper().tls().flatMap(tls -> tls.identity()).ifPresent(files::add);
            files.addAll(known.checkpoint().memoryKeyFiles());
            for (Path file : files) {
                try {
                    secrets.add(Files.readString(file, java.nio.charset.StandardCharsets.ISO_8859_1));
                } catch (IOException e) {
                    // Who cannot read it cannot have it in any of the texts but the logs, which name no secrets.
                    continue;
                }
            }
        });
        return secrets;
    }

    private static List<Path> list(Path directory) {
        try (Stream<Path> files = Files.list(directory)) {
            return files.sorted().toList();
        } catch (IOException e) {
            return List.of();
        }
    }

    private void addFile(String name, Path file) {
        try {
            add(name, Files.size(file) > LONGEST ? "too long" : Files.readString(file));
        } catch (IOException e) {
            add(name, "it cannot be read: " + e);
        }
    }

    private void addOutput(String name, List<String> command) {
        try {
            add(name, BoundedProcess.run(command, BOUND, LONGEST).output());
        } catch (IOException e) {
            add(name, String.valueOf(e.getMessage()));
        }
    }
}
