package dev.holdfast.agent;

import dev.holdfast.agent.cli.Daemons;
import dev.holdfast.agent.cli.HoldfastCommand;
import dev.holdfast.agent.cli.ProcessEnvironment;
import dev.holdfast.agent.control.ExitCode;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A life in small, so that the JVM can write down which classes the product uses: a ZooKeeper server, an agent without
 * machines, a few commands, all in this process and below one directory that goes away.
 */
final class Priming {

    private static final Logger LOG = LoggerFactory.getLogger(Priming.class);
    private static final String LOOPBACK = "127.0.0.1";
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final long LOOK_MILLIS = 200;

    private final Daemons daemons;
    private final InstantSource clock;

    Priming(Daemons daemons, InstantSource clock) {
        this.daemons = daemons;
        this.clock = clock;
    }

    /** @return exit code */
    int run() throws IOException {
        Rehearsal.everything();
        Path root = Files.createTempDirectory("hfprime");
        try {
            Path configuration = configure(root, freePort(), freePort());
            ProcessEnvironment environment = new ProcessEnvironment(daemons, clock);
            start("agent", configuration, environment, List.of("agent"));
            boolean joined = awaitMember(configuration, environment);
            for (List<String> words :
                    List.of(List.of("vm", "list"), List.of("checkpoint", "list"), List.of("group", "list"))) {
                command(configuration, environment, words);
            }
            return joined ? ExitCode.OK.number() : ExitCode.TIMED_OUT.number();
        } finally {
            remove(root);
        }
    }

    private Path configure(Path root, int store, int channel) throws IOException {
        Files.createDirectories(root.resolve("vms"));
        secret(root.resolve("zookeeper.secret"), "holdfast:priming-only");
        secret(root.resolve("channel.key"), "priming-only-priming-only-priming-only");
        Path configuration = root.resolve("holdfast.toml");
        Files.writeString(configuration, """
                node = "prime"
                cluster = "prime"
                run_dir = "%1$s/run"
                state_dir = "%1$s/state"
                vms_dir = "%1$s/vms"
                admin_group = "root"
                [zookeeper]
                connect = "127.0.0.1:%2$d"
                credentials = "%1$s/zookeeper.secret"
                [channel]
                bind_address = "127.0.0.1"
                port = %3$d
                key = "%1$s/channel.key"
                """.formatted(root, store, channel));
        ProcessEnvironment environment = new ProcessEnvironment(daemons, clock);
        start(
                "zookeeper",
                configuration,
                environment,
                List.of(
                        "zookeeper",
                        "--data",
                        root + "/zookeeper",
                        "--address",
                        LOOPBACK,
                        "--port",
                        Integer.toString(store)));
        return configuration;
    }

    private static void secret(Path file, String text) throws IOException {
        Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.writeString(file, text + "\n");
    }

    private static int freePort() throws IOException {
        try (ServerSocket probe = new ServerSocket(0, 1, InetAddress.getByName(LOOPBACK))) {
            return probe.getLocalPort();
        }
    }

    private static void start(String name, Path configuration, ProcessEnvironment environment, List<String> words) {
        Thread thread = new Thread(() -> command(configuration, environment, words), "holdfast-prime-" + name);
        thread.setDaemon(true);
        thread.start();
    }

    private static int command(Path configuration, ProcessEnvironment environment, List<String> words) {
        List<String> all = new java.util.ArrayList<>(List.of("--config", configuration.toString()));
        all.addAll(words);
        return HoldfastCommand.run(all.toArray(String[]::new), environment);
    }

    private static boolean awaitMember(Path configuration, ProcessEnvironment environment) {
        for (long left = PATIENCE.toMillis(); left > 0; left -= LOOK_MILLIS) {
            if (command(configuration, environment, List.of("cluster", "status")) == ExitCode.OK.number()) {
                return true;
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(LOOK_MILLIS));
        }
        return false;
    }

    private static void remove(Path root) throws IOException {
        List<Path> all;
        try (var found = Files.walk(root)) {
            all = found.sorted(java.util.Comparator.reverseOrder()).toList();
        }
        for (Path path : all) {
            try {
                Files.deleteIfExists(path);
            } catch (IOException e) {
                LOG.debug("{} stays: {}", path, e.getMessage());
            }
        }
    }
}
