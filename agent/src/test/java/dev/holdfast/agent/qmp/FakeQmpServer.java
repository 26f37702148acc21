package dev.holdfast.agent.qmp;

import dev.holdfast.agent.unix.LineServer;
import dev.holdfast.agent.unix.LineSocket;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A QMP server on a real socket. It greets, accepts the negotiation, and answers the rest as its script says. */
final class FakeQmpServer implements AutoCloseable {
    static final String GREETING =
            "{\"QMP\":{\"version\":{\"qemu\":{\"micro\":1,\"minor\":2,\"major\":7}},\"capabilities\":[\"oob\"]}}";

    final LinkedBlockingQueue<String> received = new LinkedBlockingQueue<>();
    private final LineServer server;
    private volatile @Nullable LineSocket client;

    FakeQmpServer(Path path, String greeting, Function<String, List<String>> script) throws IOException {
        server = LineServer.bind(path, null, 1 << 20);
        Thread thread = new Thread(() -> serve(greeting, script), "fake-qmp");
        thread.setDaemon(true);
        thread.start();
    }

    private void serve(String greeting, Function<String, List<String>> script) {
        try (LineSocket accepted = server.accept()) {
            if (accepted == null) {
                return;
            }
            client = accepted;
            if (!greeting.isEmpty()) {
                accepted.send(greeting);
            }
            for (String line = accepted.readLine(); line != null; line = accepted.readLine()) {
                received.add(line);
                String id = line.replaceAll(".*\"id\":(\\d+).*", "$1");
                List<String> answers =
                        line.contains("qmp_capabilities") ? List.of("{\"return\":{},\"id\":ID}") : script.apply(line);
                for (String answer : answers) {
                    accepted.send(answer.replace("ID", id));
                }
            }
        } catch (IOException e) {
            // The test ended the conversation.
        }
    }

    void push(String line) throws IOException {
        LineSocket open = client;
        if (open != null) {
            open.send(line);
        }
    }

    @Override
    public void close() throws IOException {
        LineSocket open = client;
        if (open != null) {
            open.close();
        }
        server.close();
    }
}
