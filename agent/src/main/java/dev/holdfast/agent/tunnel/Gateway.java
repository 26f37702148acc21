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
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The near ends of tunnels: UNIX sockets, each for one connection of a program of this node, which is carried to the other
 * node. Thread-safe.
 */
public final class Gateway implements Closeable {
    private static final Logger LOG = LoggerFactory.getLogger(Gateway.class);

    private final InetSocketAddress far;
    private final Secret secret;
    private final Duration patience;
    private final OpenEnds open = new OpenEnds();

    /**
     * @param far where the other agent waits
     * @param patience for it to answer a call
     */
    public Gateway(InetSocketAddress far, Secret secret, Duration patience) {
        this.far = far;
        this.secret = secret;
        this.patience = patience;
    }

    /** A connection of the agent itself. Closed with the gateway. */
    public SealedConnection call(String purpose) throws IOException {
        return open.keep(SealedConnection.call(far, secret, purpose, patience));
    }

    /** Ends a connection of the agent itself. */
    public void end(SealedConnection connection) {
        open.end(connection);
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
            open.keep(Ferry.begin(program, connection));
        } catch (IOException e) {
            LOG.debug("{}: {}", connection.purpose(), e.toString());
        }
    }

    /** Cuts off everything at once: programs that wait for the other node see an end. */
    @Override
    public void close() {
        open.close();
    }
}
