package dev.holdfast.agent.tunnel;

import java.io.Closeable;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The near ends of tunnels: UNIX sockets, each for one connection of a program of this node, which is carried to the other
 * node. Thread-safe.
 */
public final class Gateway implements Closeable {
    private static final Logger LOG = LoggerFactory.getLogger(Gateway.class);

    private static final Duration AFTER_FAILURE = Duration.ofMillis(200);

    private final InetSocketAddress far;
    private final Secret secret;
    private final Duration patience;
    private final OpenEnds open = new OpenEnds();
    private final CountDownLatch closed = new CountDownLatch(1);

    /**
     * @param far where the other agent waits
     * @param patience for it to answer a call
     */
    public Gateway(InetSocketAddress far, Secret secret, Duration patience) {
        this.far = far;
        this.secret = secret;
        this.patience = patience;
        Practice.begin();
    }

    /** A connection of the agent itself. Closed with the gateway. */
    public SealedConnection call(String purpose) throws IOException {
        return open.keep(SealedConnection.call(far, secret, purpose, patience));
    }

    /**
     * Calls the other agent, and waits in the background for a program to take the connection over.
     *
     * @param socket where; what is there is replaced
     */
    public void open(Path socket, String purpose) throws IOException {
        SealedConnection connection = call(purpose);
        Files.deleteIfExists(socket);
        ServerSocketChannel server = open.keep(ServerSocketChannel.open(StandardProtocolFamily.UNIX));
        server.bind(UnixDomainSocketAddress.of(socket), 1);
        Thread thread = new Thread(() -> accept(server, socket, connection), "tunnel-to-" + purpose);
        thread.setDaemon(true);
        thread.start();
    }

    private void accept(ServerSocketChannel server, Path socket, SealedConnection connection) {
        try (server) {
            SocketChannel program = server.accept();
            Files.deleteIfExists(socket);
            carry(program, connection);
        } catch (IOException e) {
            LOG.debug("{}: {}", connection.purpose(), e.toString());
        } finally {
            open.forget(server);
        }
    }

    private void carry(SocketChannel program, SealedConnection connection) throws IOException {
        Ferry ferry = open.keep(Ferry.begin(program, connection));
        ferry.over().thenRun(() -> {
            open.forget(ferry);
            open.forget(connection);
        });
    }

    /**
     * Waits in the background for programs, as many as come, and calls the other agent for each.
     *
     * @param socket where; what is there is replaced
     */
    public void serve(Path socket, String purpose) throws IOException {
        Files.deleteIfExists(socket);
        ServerSocketChannel server = open.keep(ServerSocketChannel.open(StandardProtocolFamily.UNIX));
        server.bind(UnixDomainSocketAddress.of(socket));
        Thread thread = new Thread(() -> acceptAll(server, purpose), "tunnels-to-" + purpose);
        thread.setDaemon(true);
        thread.start();
    }

    private void acceptAll(ServerSocketChannel server, String purpose) {
        try {
            while (server.isOpen()) {
                acceptOne(server, purpose);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void acceptOne(ServerSocketChannel server, String purpose) throws InterruptedException {
        try {
            SocketChannel program = server.accept();
            try {
                carry(program, call(purpose));
            } catch (IOException e) {
                LOG.info("no way to the other node: {}", e.getMessage());
                program.close();
            }
        } catch (IOException e) {
            LOG.debug("{}: {}", purpose, e.toString());
            // No file descriptors, perhaps: the next one fares no better.
            closed.await(AFTER_FAILURE.toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    /** Ends a connection of the agent itself. */
    public void end(SealedConnection connection) {
        open.end(connection);
    }

    /** Cuts off everything at once: programs that wait for the other node see an end. */
    @Override
    public void close() {
        closed.countDown();
        open.close();
    }
}
