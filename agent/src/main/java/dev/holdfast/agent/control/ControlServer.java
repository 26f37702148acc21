package dev.holdfast.agent.control;

import dev.holdfast.agent.unix.LineServer;
import dev.holdfast.agent.unix.LineSocket;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Listens on the control socket. Whatever a caller sends, or does not send, or does not read, concerns its own connection
 * only.
 *
 * <p>Threads: one accepts ({@code control-accept}), each connection has one that reads and runs the handlers
 * ({@code control}) and one that writes ({@code control-writer}); {@code control-watchdog} ends connections that let us
 * wait.
 */
public final class ControlServer implements Closeable {
    private static final Logger LOG = LoggerFactory.getLogger(ControlServer.class);
    /** Lines beyond {@link Limits#requestBytes()} and within this get an answer; beyond it the connection just ends. */
    private static final int HARD_LINE_LIMIT = 1 << 20;

    private static final Duration PAUSE_AFTER_FAILURE = Duration.ofMillis(100);

    private final LineServer server;
    private final AccessPolicy policy;
    private final CommandTable commands;
    private final Limits limits;
    private final Set<LineSocket> open = ConcurrentHashMap.newKeySet();
    private final ScheduledExecutorService watchdog;
    private final Thread acceptor;
    private volatile boolean closed;

    private ControlServer(LineServer server, AccessPolicy policy, CommandTable commands, Limits limits) {
        this.server = server;
        this.policy = policy;
        this.commands = commands;
        this.limits = limits;
        // Once it is shut down it takes tasks and forgets them: the sessions are ending then.
        ScheduledThreadPoolExecutor executor = new ScheduledThreadPoolExecutor(
                1, task -> daemon(task, "control-watchdog"), new ThreadPoolExecutor.DiscardPolicy());
        executor.setRemoveOnCancelPolicy(true);
        this.watchdog = executor;
        this.acceptor = daemon(this::accept, "control-accept");
    }

    /**
     * Starts to listen for administrators.
     *
     * @param socket where; its directory must exist
     * @param group the group that may connect besides root, or null for root alone
     * @throws IOException if another agent listens there, or the group or the directory is not right
     */
    public static ControlServer start(Path socket, @Nullable String group, CommandTable commands, Limits limits)
            throws IOException {
        LineServer server = LineServer.bind(socket, group, HARD_LINE_LIMIT);
        return start(server, AccessPolicy.administrators(socket), commands, limits);
    }

    /**
     * Starts to listen for callers that may only look, whoever they are: a place of their own, so that they cannot take the
     * administrators' connections.
     *
     * @throws IOException as {@link #start}
     */
    public static ControlServer startForStatus(Path socket, String group, CommandTable commands) throws IOException {
        LineServer server = LineServer.bind(socket, group, HARD_LINE_LIMIT);
        return start(server, AccessPolicy.readers(socket), commands, Limits.STATUS);
    }

    static ControlServer start(LineServer server, AccessPolicy policy, CommandTable commands, Limits limits) {
        ControlServer control = new ControlServer(server, policy, commands, limits);
        control.acceptor.start();
        return control;
    }

    /** How many callers are connected. */
    public int connections() {
        return open.size();
    }

    /** Stops listening and ends all connections; handlers under way go on until they notice. */
    @Override
    public void close() throws IOException {
        closed = true;
        server.close();
        for (LineSocket socket : open) {
            socket.close();
        }
        watchdog.shutdownNow();
    }

    private void accept() {
        while (!closed) {
            try {
                LineSocket socket = server.accept();
                if (socket == null) {
                    return;
                }
                admit(socket);
            } catch (IOException e) {
                // Out of descriptors, say. The next caller may have more luck; spinning would not help.
                LOG.warn("the control socket could not accept a caller: {}", e.getMessage());
                LockSupport.parkNanos(PAUSE_AFTER_FAILURE.toNanos());
            }
        }
    }

    private void admit(LineSocket socket) {
        if (open.size() >= limits.connections()) {
            turnAway(socket);
            return;
        }
        open.add(socket);
        Session session = new Session(socket, policy, commands, limits, watchdog);
        daemon(
                        () -> {
                            try {
                                session.run();
                            } finally {
                                open.remove(socket);
                            }
                        },
                        "control")
                .start();
    }

    private void turnAway(LineSocket socket) {
        try (socket) {
            // Cannot block: the kernel's buffer is empty.
            socket.send(Session.error(
                    null,
                    new ControlException(
                            ErrorCode.OVERLOADED,
                            "the agent serves " + limits.connections() + " callers already",
                            "each command that waits keeps a connection",
                            "try again when one has ended")));
        } catch (IOException e) {
            LOG.debug("a caller that was turned away had gone: {}", e.getMessage());
        }
    }

    private static Thread daemon(Runnable task, String name) {
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        return thread;
    }
}
