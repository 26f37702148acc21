package dev.holdfast.agent.qmp;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.holdfast.agent.unix.LineSocket;
import dev.holdfast.agent.unix.PeerCredentials;
import java.io.FileDescriptor;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/**
 * One connection to one QMP socket. It never reconnects: a broken connection stays broken and a new object is a new
 * connection, so that "the same connection all the time" can be proven.
 *
 * <p>Threads: one reader per connection takes every line at once; any thread may send, wait, subscribe and close. No
 * method blocks longer than the time-out it is given, also with a QEMU that is stopped: the number of unanswered commands
 * is bounded, so that the socket's buffer is never full.
 */
public final class QmpClient implements AutoCloseable {
    /** Commands without an answer before more are refused. */
    public static final int MAX_UNANSWERED = 64;

    /** The whole schema is about 300 KiB; a graph of many block nodes may pass a MiB. */
    private static final int MAX_LINE_BYTES = 16 << 20;

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final AtomicLong CONNECTIONS = new AtomicLong();
    private static final int MOST_LATE_ANSWERS = 64;

    private final Path path;
    private final LineSocket socket;
    private final LongSupplier nanoClock;
    private final PeerCredentials peer;
    private final String version;
    private final boolean outOfBand;
    private final long connection = CONNECTIONS.incrementAndGet();
    /** Begins with the time, so that no answer to an earlier connection can be taken for one to this. */
    private final AtomicLong nextId;

    private final Object lifecycle = new Object();
    private volatile String closeReason = "";
    private volatile boolean stalled;
    private final QmpInbox inbox;

    private QmpClient(Path path, LineSocket socket, JsonNode greeting, LongSupplier nanoClock) throws IOException {
        this.path = path;
        this.socket = socket;
        this.nanoClock = nanoClock;
        this.inbox = new QmpInbox(nanoClock);
        this.nextId = new AtomicLong(Math.abs(nanoClock.getAsLong()));
        this.peer = socket.peer();
        JsonNode number = greeting.path("QMP").path("version").path("qemu");
        this.version = number.path("major").asInt() + "." + number.path("minor").asInt() + "."
                + number.path("micro").asInt();
        boolean offered = false;
        for (JsonNode capability : greeting.path("QMP").path("capabilities")) {
            offered |= capability.asText().equals("oob");
        }
        this.outOfBand = offered;
    }

    /**
     * Connects, reads the greeting and negotiates (with {@code oob} where offered).
     *
     * @param timeout bound for the whole of it, at least 1 ms
     * @param nanoClock monotonic nanoseconds
     * @throws QmpException if nobody listens, no greeting comes (another client holds the socket, or QEMU hangs), or what
     *     comes is not QMP
     */
    public static QmpClient connect(Path path, Duration timeout, LongSupplier nanoClock) throws QmpException {
        LineSocket socket;
        try {
            socket = LineSocket.connect(path, timeout, MAX_LINE_BYTES);
        } catch (IOException e) {
            throw QmpException.notConnected("cannot connect to the QMP socket " + path + ": " + e.getMessage(), e);
        }
        try {
            QmpClient client = new QmpClient(path, socket, greeting(path, socket, timeout), nanoClock);
            Thread reader =
                    new Thread(client::readLoop, "qmp-" + path.getParent().getFileName());
            reader.setDaemon(true);
            reader.start();
            Map<String, ?> enable = client.outOfBand ? Map.of("enable", List.of("oob")) : Map.of();
            client.execute("qmp_capabilities", enable, timeout);
            return client;
        } catch (IOException e) {
            closeQuietly(socket);
            throw e instanceof QmpException q ? q : QmpException.notConnected(e.getMessage(), e);
        }
    }

    private static JsonNode message(Path path, LineSocket socket) throws IOException {
        String line = socket.readLine();
        if (line == null) {
            throw QmpException.notConnected(path + " was closed before QEMU's greeting", null);
        }
        return JSON.readTree(line);
    }

    private static boolean isLateAnswer(JsonNode message) {
        return message.has("return") || message.has("error") || message.has("event");
    }

    private static JsonNode greeting(Path path, LineSocket socket, Duration timeout) throws IOException {
        socket.readTimeout(timeout);
        try {
            JsonNode greeting = message(path, socket);
            // What the connection before this one was still owed comes first.
            for (int late = 0; late < MOST_LATE_ANSWERS && isLateAnswer(greeting); late++) {
                greeting = message(path, socket);
            }
            if (!greeting.path("QMP").isObject()) {
                throw QmpException.notConnected(
                        path + " is no QMP socket: its first line is not QEMU's greeting", null);
            }
            socket.readTimeout(Duration.ZERO);
            return greeting;
        } catch (SocketTimeoutException e) {
            throw QmpException.notConnected(
                    "no greeting from " + path + " within " + timeout.toMillis()
                            + " ms: another client holds this QMP socket, or QEMU hangs or is stopped",
                    e);
        } catch (JsonProcessingException e) {
            throw QmpException.notConnected(path + " is no QMP socket: its first line is not JSON", e);
        }
    }

    /** Executes a command without arguments. */
    public QmpValue execute(String command, Duration timeout) throws QmpException {
        return execute(command, Map.of(), timeout);
    }

    /**
     * Executes a command.
     *
     * @return what QEMU returned
     * @throws QmpException if QEMU refused, did not answer in time, or the connection is gone
     */
    public QmpValue execute(String command, Map<String, ?> arguments, Duration timeout) throws QmpException {
        return send(QmpCommand.of(command, arguments)).get(0).await(timeout).value();
    }

    /** Executes a command that gets a descriptor along, as {@code getfd} does. The caller still owns and closes it. */
    public QmpValue executeWithDescriptor(QmpCommand command, FileDescriptor descriptor, Duration timeout)
            throws QmpException {
        QmpFuture future = new QmpFuture(command.name(), this::stall);
        String line = register(command, future);
        try {
            socket.sendWithDescriptor(line, descriptor);
        } catch (IOException e) {
            close("write failed: " + e.getMessage());
        }
        return future.await(timeout).value();
    }

    /**
     * Sends commands in one write and does not wait. QEMU takes them in order and carries on after one that fails.
     *
     * @return one future per command, in order
     * @throws QmpException if the connection is gone, or {@link #MAX_UNANSWERED} commands are unanswered already
     */
    public List<QmpFuture> send(QmpCommand... commands) throws QmpException {
        List<QmpFuture> futures = new ArrayList<>();
        String[] lines = new String[commands.length];
        for (int i = 0; i < commands.length; i++) {
            QmpFuture future = new QmpFuture(commands[i].name(), this::stall);
            lines[i] = register(commands[i], future);
            futures.add(future);
        }
        try {
            socket.send(lines);
        } catch (IOException e) {
            close("write failed: " + e.getMessage());
        }
        return futures;
    }

    private String register(QmpCommand command, QmpFuture future) throws QmpException {
        long id = nextId.incrementAndGet();
        ObjectNode message = JSON.createObjectNode();
        message.put(command.outOfBand() ? "exec-oob" : "execute", command.name());
        if (!command.arguments().isEmpty()) {
            message.set("arguments", JSON.valueToTree(command.arguments()));
        }
        message.put("id", id);
        synchronized (lifecycle) {
            if (!closeReason.isEmpty()) {
                throw QmpException.closed(command.name(), closeReason, null);
            }
            if (inbox.unanswered() >= MAX_UNANSWERED) {
                throw QmpException.closed(command.name(), MAX_UNANSWERED + " commands are unanswered", null);
            }
            inbox.expect(id, future);
        }
        return message.toString();
    }

    /** Events of these names from now on. Close it when it is not needed any more. */
    public QmpEvents subscribe(String... names) {
        QmpEvents events = new QmpEvents(this, Set.of(names), nanoClock);
        synchronized (lifecycle) {
            inbox.add(events);
            if (!closeReason.isEmpty()) {
                events.end();
            }
        }
        return events;
    }

    void unsubscribe(QmpEvents events) {
        inbox.remove(events);
    }

    /** Number of this connection, never used twice in this process. */
    public long connection() {
        return connection;
    }

    /** The process at the other end. A socket that outlived its process has none, and is not connectable. */
    public PeerCredentials peer() {
        return peer;
    }

    /** QEMU's version as it says itself, for reports; capabilities are probed, not derived from it. */
    public String version() {
        return version;
    }

    /** Whether out-of-band commands may be sent. */
    public boolean outOfBand() {
        return outOfBand;
    }

    private void stall() {
        stalled = true;
    }

    /** Whether a command timed out and nothing at all has come since: more waiting is of little use. */
    public boolean isStalled() {
        return stalled;
    }

    /** Whether the connection stands. */
    public boolean isOpen() {
        return closeReason.isEmpty();
    }

    /** Why the connection is gone; empty while it stands. */
    public String closeReason() {
        return closeReason;
    }

    @Override
    public void close() {
        close("closed by us");
    }

    private void close(String reason) {
        synchronized (lifecycle) {
            if (!closeReason.isEmpty()) {
                return;
            }
            closeReason = reason;
        }
        closeQuietly(socket);
        inbox.end(reason);
    }

    private static void closeQuietly(LineSocket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            // Nothing is lost: it was to go away.
        }
    }

    private void readLoop() {
        String reason = "QEMU closed " + path;
        try {
            for (String line = socket.readLine(); line != null; line = socket.readLine()) {
                stalled = false;
                inbox.take(line);
            }
        } catch (JsonProcessingException e) {
            reason = path + " sent a line that is not JSON";
        } catch (IOException e) {
            reason = path + ": " + e.getMessage();
        } finally {
            close(reason);
        }
    }
}
