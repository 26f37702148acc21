package dev.holdfast.coordinator.zookeeper;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Three stock servers by TLS, set up with the very commands and lines of {@code docs/installation.md}. */
final class TlsEnsemble implements AutoCloseable {

    private static final Path MANUAL = Path.of("..", "docs", "installation.md");
    private static final int SERVERS = 3;

    private final Path directory;
    private final List<Integer> ports;
    private final List<Process> processes = new ArrayList<>();

    private TlsEnsemble(Path directory) throws IOException {
        this.directory = directory;
        this.ports = Ensemble.freePorts(SERVERS * 3);
    }

    static TlsEnsemble start(Path directory) throws IOException {
        TlsEnsemble ensemble = new TlsEnsemble(directory);
        try {
            run(directory, block("tls-authority"));
            for (int number = 1; number <= SERVERS; number++) {
                ensemble.host("n" + number, "127.0.0.1");
            }
            for (int number = 1; number <= SERVERS; number++) {
                ensemble.launch(number);
            }
        } catch (IOException | RuntimeException failed) {
            ensemble.close();
            throw failed;
        }
        return ensemble;
    }

    /** What the manual has between a fence of that name and its end. */
    static String block(String name) throws IOException {
        Matcher fence = Pattern.compile("```\\w+ " + Pattern.quote(name) + "\n(.*?)```", Pattern.DOTALL)
                .matcher(Files.readString(MANUAL));
        if (!fence.find()) {
            throw new IOException(MANUAL + " has no block " + name);
        }
        return fence.group(1);
    }

    /** Makes a certificate and key, NAME.pem. */
    Path host(String name, String address) throws IOException {
        run(directory, block("tls-host").replace("n1", name).replace("192.0.2.11", address));
        return directory.resolve(name + ".pem");
    }

    /** An authority that no server knows, and a host of its. */
    TlsEnsemble stranger() throws IOException {
        TlsEnsemble other = new TlsEnsemble(Files.createDirectory(directory.resolve("stranger")));
        run(other.directory, block("tls-authority"));
        other.host("n1", "127.0.0.1");
        return other;
    }

    /** Runs commands of the shell; answers what they said. */
    static String run(Path where, String commands) throws IOException {
        Process process = new ProcessBuilder("sh", "-e", "-c", commands)
                .directory(where.toFile())
                .redirectErrorStream(true)
                .start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        try {
            if (process.waitFor() != 0) {
                throw new IOException(commands + " failed: " + said);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
        return said;
    }

    private void launch(int number) throws IOException {
        Path home = Files.createDirectories(directory.resolve("server" + number));
        Files.writeString(home.resolve("myid"), number + "\n");
        String configuration = block("tls-zoo.cfg")
                .replace("/var/lib/zookeeper", home.toString())
                .replace(
                        "/etc/zookeeper/tls/n1.pem",
                        directory.resolve("n" + number + ".pem").toString())
                .replace("/etc/zookeeper/tls", directory.toString())
                .replace("secureClientPort=2281", "secureClientPort=" + clientPort(number))
                .replaceAll("192\\.0\\.2\\.1[123]", "127.0.0.1");
        for (int server = 1; server <= SERVERS; server++) {
            configuration = configuration.replace(
                    "server." + server + "=127.0.0.1:2888:3888",
                    "server.%d=127.0.0.1:%d:%d"
                            .formatted(server, ports.get(server * 3 - 2), ports.get(server * 3 - 1)));
        }
        processes.add(new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-Xmx96m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        StockServerMain.class.getName(),
                        Files.writeString(home.resolve("zoo.cfg"), configuration)
                                .toString())
                .redirectErrorStream(true)
                .redirectOutput(home.resolve("server.log").toFile())
                .start());
    }

    private int clientPort(int number) {
        return ports.get(number * 3 - 3);
    }

    String connect() {
        return String.join(
                ",",
                Stream.of(1, 2, 3)
                        .map(number -> "127.0.0.1:" + clientPort(number))
                        .toList());
    }

    Path file(String name) {
        return directory.resolve(name);
    }

    /** What the servers have said, for a test that fails. */
    String logs() {
        StringBuilder all = new StringBuilder();
        for (int number = 1; number <= SERVERS; number++) {
            try {
                all.append(Files.readString(directory.resolve("server" + number).resolve("server.log")));
            } catch (IOException none) {
                all.append(none.getMessage());
            }
        }
        return all.toString();
    }

    @Override
    public void close() {
        processes.forEach(Process::destroyForcibly);
        for (Process process : processes) {
            process.onExit().join();
        }
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
