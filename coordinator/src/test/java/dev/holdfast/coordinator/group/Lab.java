package dev.holdfast.coordinator.group;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Processes on loopback addresses of this test run, a key and a registry file. */
final class Lab implements AutoCloseable {

    static final String CLUSTER = "lab";

    private final Path directory;
    private final String network;
    private final List<NodeProcess> nodes = new ArrayList<>();

    /** @param number tells apart the labs of one run */
    Lab(Path directory, int number) throws IOException {
        this.directory = directory;
        long pid = ProcessHandle.current().pid();
        this.network = "127.%d.%d.".formatted(64 + number, pid % 254 + 1);
        writeKey("channel.key", "0123456789abcdef0123456789abcdef");
        Files.createFile(registry());
    }

    Path registry() {
        return directory.resolve("registry");
    }

    Path writeKey(String name, String secret) throws IOException {
        Path key = Files.createFile(
                directory.resolve(name),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        return Files.writeString(key, secret + "\n");
    }

    String address(int number) {
        return network + number;
    }

    /** The registry names the nodes from 1 to {@code last}. */
    void register(int last) throws IOException {
        List<String> lines = new ArrayList<>();
        for (int number = 1; number <= last; number++) {
            lines.add(address(number) + ":" + NodeProcess.PORT);
        }
        Path next = Files.write(directory.resolve("registry.next"), lines);
        Files.move(next, registry(), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    NodeProcess node(int number) throws IOException {
        return node(number, "channel.key");
    }

    NodeProcess node(int number, String key) throws IOException {
        NodeProcess node = new NodeProcess(
                "n" + number,
                address(number),
                directory.resolve(key),
                registry(),
                directory.resolve("n" + number + ".log"),
                number * 100L);
        nodes.add(node);
        return node;
    }

    static void awaitPresent(NodeProcess node, String expected) {
        await().atMost(Duration.ofMinutes(1))
                .pollInterval(Duration.ofMillis(20))
                .until(() -> node.ask("present", 60).equals(expected));
    }

    @Override
    public void close() throws InterruptedException {
        for (NodeProcess node : nodes) {
            node.close();
        }
    }
}
