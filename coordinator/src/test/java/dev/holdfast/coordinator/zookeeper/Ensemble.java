package dev.holdfast.coordinator.zookeeper;

import java.io.IOException;
import java.io.InputStream;
import java.net.BindException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;

/** A real ensemble: each server a JVM of its own, so that it can be killed and stopped. */
public final class Ensemble implements AutoCloseable {

    private static final Duration BOUND = Duration.ofMinutes(1);
    private static final int FIRST_PORT = 12_000;
    private static final int PORTS = 8_000;
    private static final AtomicInteger NEXT_PORT =
            new AtomicInteger((int) (ProcessHandle.current().pid() % 80) * 100);

    private final Path directory;
    private final List<Integer> clientPorts = new ArrayList<>();
    private final List<String> servers = new ArrayList<>();
    private final List<@Nullable Process> processes = new ArrayList<>();

    private Ensemble(Path directory, int size) throws IOException {
        this.directory = directory;
        List<Integer> ports = freePorts(size * 3);
        for (int index = 0; index < size; index++) {
            clientPorts.add(ports.get(index * 3));
            servers.add("%d=127.0.0.1:%d:%d".formatted(index + 1, ports.get(index * 3 + 1), ports.get(index * 3 + 2)));
            processes.add(null);
        }
    }

    /** Starts the servers and waits until all of them serve. */
    public static Ensemble start(int size) throws IOException {
        Ensemble ensemble = new Ensemble(Files.createTempDirectory("zk-ensemble-"), size);
        for (int index = 0; index < size; index++) {
            ensemble.startServer(index);
        }
        ensemble.awaitServing();
        return ensemble;
    }

    void startServer(int index) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Xmx96m",
                "-Djava.util.logging.config.file=" + logging(),
                "-cp",
                System.getProperty("java.class.path"),
                EnsembleServerMain.class.getName(),
                directory.resolve("server" + index).toString(),
                clientPorts.get(index).toString(),
                Integer.toString(index + 1)));
        if (servers.size() > 1) {
            command.addAll(servers);
        }
        processes.set(
                index,
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.appendTo(
                                directory.resolve("server" + index + ".log").toFile()))
                        .start());
    }

    private static String logging() {
        return Path.of("src", "test", "resources", "logging.properties")
                .toAbsolutePath()
                .toString();
    }

    void awaitServing() {
        Awaitility.await().atMost(BOUND).pollInterval(Duration.ofMillis(50)).until(() -> {
            for (int index = 0; index < processes.size(); index++) {
                if (processes.get(index) != null && mode(index).isEmpty()) {
                    return false;
                }
            }
            return true;
        });
    }

    public String connect() {
        return String.join(
                ",", clientPorts.stream().map(port -> "127.0.0.1:" + port).toList());
    }

    /** The number of the leading server, once there is one. */
    int leader() {
        return Awaitility.await("a server leads")
                .atMost(BOUND)
                .pollInterval(Duration.ofMillis(50))
                .until(this::findLeader, Optional::isPresent)
                .orElseThrow();
    }

    private Optional<Integer> findLeader() {
        for (int index = 0; index < processes.size(); index++) {
            if (mode(index).equals(Optional.of("leader")) || mode(index).equals(Optional.of("standalone"))) {
                return Optional.of(index);
            }
        }
        return Optional.empty();
    }

    private Optional<String> mode(int index) {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), clientPorts.get(index))) {
            socket.setSoTimeout(10_000);
            socket.getOutputStream().write("srvr".getBytes(StandardCharsets.US_ASCII));
            InputStream in = socket.getInputStream();
            return new String(in.readAllBytes(), StandardCharsets.US_ASCII)
                    .lines()
                    .filter(line -> line.startsWith("Mode: "))
                    .map(line -> line.substring("Mode: ".length()))
                    .findFirst();
        } catch (IOException notYet) {
            return Optional.empty();
        }
    }

    /** Kill -9. */
    void kill(int index) {
        Process process = processes.get(index);
        if (process != null) {
            process.destroyForcibly();
            try {
                process.waitFor(BOUND.toSeconds(), TimeUnit.SECONDS);
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
            }
            processes.set(index, null);
        }
    }

    /** Stops or continues a server's process, as a hung machine does. */
    void signal(int index, String signal) throws IOException, InterruptedException {
        Process process = processes.get(index);
        if (process == null) {
            throw new IllegalStateException("server " + index + " does not run");
        }
        new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid()))
                .start()
                .waitFor();
    }

    /** Starts all servers that do not run, and waits. */
    void heal() throws IOException {
        for (int index = 0; index < processes.size(); index++) {
            if (processes.get(index) == null) {
                startServer(index);
            }
        }
        awaitServing();
    }

    @Override
    public void close() throws IOException {
        for (int index = 0; index < processes.size(); index++) {
            kill(index);
        }
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    /**
     * Ports that nobody listens on, outside of the range of outgoing connections: one of these would keep a server from its port. Each
     * run of the tests begins elsewhere, and gives no port twice.
     */
    static List<Integer> freePorts(int count) throws IOException {
        List<Integer> ports = new ArrayList<>();
        for (int tries = 0; tries < PORTS && ports.size() < count; tries++) {
            int port = FIRST_PORT + NEXT_PORT.getAndIncrement() % PORTS;
            try (ServerSocket free = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
                ports.add(free.getLocalPort());
            } catch (BindException taken) {
                continue;
            }
        }
        if (ports.size() < count) {
            throw new IOException("no free port");
        }
        return ports;
    }
}
