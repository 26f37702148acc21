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
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The far end of tunnels: a TCP port on which the agent of another node calls. Thread-safe. */
public final class Door implements Closeable {
    private static final Logger LOG = LoggerFactory.getLogger(Door.class);
    private static final Duration HANDSHAKE = Duration.ofSeconds(5);
    private static final int BACKLOG = 16;

    private final ServerSocket server;
    private final Secret secret;
    private final Visitors visitors;
    private final OpenEnds open = new OpenEnds();

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

    private Door(ServerSocket server, Secret secret, Visitors visitors) {
        this.server = server;
        this.secret = secret;
        this.visitors = visitors;
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
                return open(server, secret, visitors);
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

    private static Door open(ServerSocket server, Secret secret, Visitors visitors) throws IOException {
        Door door = new Door(server, secret, visitors);
        door.open.keep(server);
        door.start("tunnel-door", door::accept);
        return door;
    }

    /** The TCP port. */
    public int port() {
        return server.getLocalPort();
    }

    private void start(String name, Runnable task) {
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        thread.start();
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket socket = open.keep(server.accept());
                open.forgetClosed();
                start("tunnel-visitor", () -> visit(socket));
            } catch (IOException e) {
                LOG.debug("the door is closed: {}", e.toString());
            }
        }
    }

    private void visit(Socket socket) {
        try {
            if (visitors.serve(this, SealedConnection.answer(socket, secret, HANDSHAKE)) == Served.WHOLLY) {
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
        open.close();
    }
}
