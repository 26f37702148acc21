package dev.holdfast.agent.tunnel;

import java.io.Closeable;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The far end of tunnels: a TCP port on which the agent of another node calls. Anybody may call: until a caller has proved that
 * it knows the secret it has {@link #HANDSHAKE} in all, a kilobyte, and one of {@link #STRANGERS} places. Thread-safe.
 */
public final class Door implements Closeable {
    private static final Logger LOG = LoggerFactory.getLogger(Door.class);
    static final Duration HANDSHAKE = Duration.ofSeconds(5);
    /** Each disk, and what goes before, calls by itself; a move has a dozen connections at the most that begin at once. */
    static final int STRANGERS = 32;

    private static final Duration AFTER_FAILURE = Duration.ofMillis(200);
    private static final int BACKLOG = 16;

    private final ServerSocket server;
    private final Secret secret;
    private final Visitors visitors;
    private final OpenEnds open = new OpenEnds();
    private final Semaphore strangers = new Semaphore(STRANGERS);
    private final CountDownLatch closed = new CountDownLatch(1);
    private final ScheduledThreadPoolExecutor timer;
    private final Duration handshake;

    /** What becomes of a connection that was served. */
    public enum Served {
        /** All that there was to say was said. */
        WHOLLY,
        /** It was joined with a program. */
        JOINED
    }

    /** What is done with those who know the secret. On a thread of its own for each. */
    public interface Visitors {
        /**
         * Serves a connection until it ends, or lets {@link Door#join} do that.
         *
         * @throws IOException it is not welcome, or has broken off
         */
        Served serve(Door door, SealedConnection connection) throws IOException;
    }

    private Door(ServerSocket server, Secret secret, Visitors visitors, Duration handshake) {
        this.server = server;
        this.secret = secret;
        this.visitors = visitors;
        this.handshake = handshake;
        this.timer = new ScheduledThreadPoolExecutor(1, task -> daemon("tunnel-patience", task));
        timer.setRemoveOnCancelPolicy(true);
        Practice.begin();
    }

    /** Opens a door at a port that the kernel chooses. */
    public static Door open(String address, Secret secret, Visitors visitors) throws IOException {
        return open(address, 0, 0, secret, visitors);
    }

    /**
     * Opens a door at the first port that is free.
     *
     * @param first port to try
     * @param last port to try
     * @throws BindException none is free
     */
    public static Door open(String address, int first, int last, Secret secret, Visitors visitors) throws IOException {
        InetAddress at = InetAddress.getByName(address);
        int port = first;
        while (true) {
            ServerSocket server = new ServerSocket();
            try {
                server.bind(new InetSocketAddress(at, port), BACKLOG);
                return open(server, secret, visitors, HANDSHAKE);
            } catch (BindException e) {
                server.close();
                if (port >= last) {
                    throw e;
                }
                port++;
            } catch (IOException e) {
                server.close();
                throw e;
            }
        }
    }

    /** @param handshake how long a stranger has */
    static Door open(ServerSocket server, Secret secret, Visitors visitors, Duration handshake) throws IOException {
        Door door = new Door(server, secret, visitors, handshake);
        door.open.keep(server);
        daemon("tunnel-door", door::accept).start();
        return door;
    }

    /** The TCP port. */
    public int port() {
        return server.getLocalPort();
    }

    private static Thread daemon(String name, Runnable task) {
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        return thread;
    }

    private void accept() {
        try {
            while (!server.isClosed()) {
                try {
                    admit(open.keep(server.accept()));
                    open.forgetClosed();
                } catch (IOException e) {
                    LOG.debug("nobody can be let in: {}", e.toString());
                    // No file descriptors, perhaps: the next one fares no better.
                    closed.await(AFTER_FAILURE.toMillis(), TimeUnit.MILLISECONDS);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void admit(Socket socket) {
        if (strangers.tryAcquire()) {
            daemon("tunnel-visitor", () -> visit(socket)).start();
        } else {
            LOG.debug("{} is one too many", socket.getRemoteSocketAddress());
            open.end(socket);
        }
    }

    private void visit(Socket socket) {
        Optional<SealedConnection> known = Optional.empty();
        try {
            known = Optional.of(greet(socket));
        } catch (IOException e) {
            LOG.debug("{} is a stranger: {}", socket.getRemoteSocketAddress(), e.toString());
        } finally {
            strangers.release();
            if (known.isEmpty()) {
                open.end(socket);
            }
        }
        known.ifPresent(connection -> serve(socket, connection));
    }

    private SealedConnection greet(Socket socket) throws IOException {
        Future<?> bound;
        try {
            bound = timer.schedule(() -> open.end(socket), handshake.toMillis(), TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException e) {
            throw new IOException("the door was closed", e);
        }
        try {
            return SealedConnection.answer(socket, secret, handshake);
        } finally {
            bound.cancel(false);
        }
    }

    private void serve(Socket socket, SealedConnection connection) {
        try {
            if (visitors.serve(this, connection) == Served.WHOLLY) {
                open.end(socket);
            }
        } catch (IOException e) {
            LOG.info("a connection from {} has ended: {}", socket.getRemoteSocketAddress(), e.getMessage());
            open.end(socket);
        }
    }

    /**
     * Joins a visitor with a program of this node that waits at a UNIX socket. Returns at once.
     *
     * @return done when the program has all that the visitor has sent; fails if it was cut off before
     */
    public CompletableFuture<Void> join(SealedConnection connection, Path program) throws IOException {
        SocketChannel channel = open.keep(SocketChannel.open(UnixDomainSocketAddress.of(program)));
        connection.welcome();
        Ferry ferry = Ferry.begin(channel, connection);
        ferry.over().thenRun(() -> open.forget(channel));
        return ferry.arrived();
    }

    /** Shuts it, and cuts off everybody who came through it. */
    @Override
    public void close() {
        closed.countDown();
        timer.shutdownNow();
        open.close();
    }
}
