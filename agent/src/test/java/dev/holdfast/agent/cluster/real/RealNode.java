package dev.holdfast.agent.cluster.real;

import dev.holdfast.agent.journal.OperationJournal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A node: guard, agent, one machine. */
final class RealNode {
    final String name;
    final Path home;
    final RealVm vm;
    final RealProcess guard;
    final RealProcess agent;

    /** @param view words before the agent's command line; what it starts sees the same file systems */
    RealNode(String name, Path home, RealVm vm, List<String> view) throws IOException {
        this.name = name;
        this.home = home;
        this.vm = vm;
        Files.createDirectories(home.resolve("run/vms"));
        this.guard = new RealProcess(
                home.resolve("guard.log"),
                List.of(
                        "target/guard/holdfast-guard",
                        "--socket",
                        home.resolve("run/guard.sock").toString()));
        List<String> line = new ArrayList<>(view);
        line.addAll(java(home, "agent"));
        this.agent = new RealProcess(home.resolve("agent.log"), line);
    }

    /** The product's own main class, as the launcher calls it. */
    static List<String> java(Path home, String... words) {
        List<String> line = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xms16m",
                "-Xmx96m",
                "-Xss512k",
                "-XX:+UseSerialGC",
                "-Xshare:auto",
                "--enable-native-access=ALL-UNNAMED",
                "-Djdk.serialFilter=!*",
                "-Djava.util.logging.config.file=../deploy/install/logging.properties",
                "-cp",
                System.getProperty("java.class.path")));
        line.addAll(RememberedRandom.arguments(home));
        line.addAll(List.of(
                "dev.holdfast.agent.HoldfastMain",
                "--config",
                home.resolve("holdfast.toml").toString()));
        line.addAll(List.of(words));
        return line;
    }

    Path configuration() {
        return home.resolve("holdfast.toml");
    }

    /** Runs a command on this node. */
    Told run(String... words) {
        List<String> line = new ArrayList<>(List.of("--config", configuration().toString()));
        line.addAll(List.of(words));
        return Told.by(line.toArray(String[]::new));
    }

    Path journal() {
        return home.resolve("state/journal");
    }

    /** Whether the journal holds a part in a round that this node may not give up alone any more. */
    boolean isBound() throws IOException {
        return OperationJournal.open(journal()).operations().stream()
                .anyMatch(operation -> operation.state().inDoubt());
    }
}
