package dev.holdfast.agent.unix;

import java.io.Closeable;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A UNIX socket that takes one stream of bytes and stores it. The directory decides who may connect: keep it private. One
 * thread takes; any may close, which ends the taking.
 */
public final class StreamListener implements Closeable {
    private static final int PIECE = 1 << 20;

    private final Path path;
    private final ServerSocketChannel server;
    private volatile @Nullable SocketChannel stream;
    private volatile boolean closed;

    private StreamListener(Path path, ServerSocketChannel server) {
        this.path = path;
        this.server = server;
    }

    /** Binds. Something that is left at this path is removed. */
    public static StreamListener bind(Path path) throws IOException {
        SocketPath.check(path);
        Files.deleteIfExists(path);
        ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            server.bind(UnixDomainSocketAddress.of(path), 1);
            return new StreamListener(path, server);
        } catch (IOException e) {
            server.close();
            throw e;
        }
    }

    /** Where it listens. */
    public Path path() {
        return path;
    }

    /**
     * Waits for the one stream and writes it to its end.
     *
     * @return bytes that came
     * @throws IOException if it cannot be written, or this was closed
     */
    public long takeInto(WritableByteChannel file) throws IOException {
        try (SocketChannel channel = server.accept()) {
            stream = channel;
            if (closed) {
                throw new IOException(path + " was closed");
            }
            ByteBuffer buffer = ByteBuffer.allocateDirect(PIECE);
            long bytes = 0;
            while (channel.read(buffer) >= 0) {
                buffer.flip();
                bytes += buffer.remaining();
                while (buffer.hasRemaining()) {
                    file.write(buffer);
                }
                buffer.clear();
            }
            return bytes;
        }
    }

    @Override
    public void close() throws IOException {
        closed = true;
        server.close();
        SocketChannel open = stream;
        if (open != null) {
            open.close();
        }
        Files.deleteIfExists(path);
    }
}
