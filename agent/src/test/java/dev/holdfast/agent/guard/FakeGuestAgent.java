package dev.holdfast.agent.guard;

import java.io.BufferedReader;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Answers like qemu-ga with two file systems. Serves one client at a time, as QEMU's socket does. */
final class FakeGuestAgent implements Closeable {
    private static final Pattern SYNC = Pattern.compile("guest-sync-delimited.*\"id\":\\s*(\\d+)");

    final List<String> commands = new CopyOnWriteArrayList<>();
    private final ServerSocketChannel server;
    private volatile Predicate<String> deaf = command -> false;
    private volatile boolean frozen;

    FakeGuestAgent(Path socket) throws IOException {
        server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(socket));
        Thread thread = new Thread(this::serve, "fake-guest-agent");
        thread.setDaemon(true);
        thread.start();
    }

    boolean frozen() {
        return frozen;
    }

    /** From now on gives no answer to these commands, but carries them out. */
    void deafTo(Predicate<String> commands) {
        deaf = commands;
    }

    @Override
    public void close() throws IOException {
        server.close();
    }

    private void serve() {
        while (server.isOpen()) {
            try (SocketChannel client = server.accept();
                    BufferedReader reader = new BufferedReader(
                            new InputStreamReader(Channels.newInputStream(client), StandardCharsets.ISO_8859_1));
                    OutputStream output = Channels.newOutputStream(client)) {
                for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                    output.write(answer(line).getBytes(StandardCharsets.ISO_8859_1));
                }
            } catch (IOException e) {
                // The client or the test has gone.
            }
        }
    }

    private String answer(String line) {
        Matcher sync = SYNC.matcher(line);
        if (sync.find()) {
            commands.add("sync");
            return deaf.test("sync") ? "" : "\u00ff{\"return\": " + sync.group(1) + "}\n";
        }
        String command = line.contains("freeze-freeze") ? "freeze" : "thaw";
        commands.add(command);
        frozen = command.equals("freeze");
        return deaf.test(command) ? "" : "{\"return\": 2}\n";
    }
}
