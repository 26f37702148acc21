package dev.holdfast.agent.unix;

import java.io.Closeable;
import java.io.IOException;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.UUID;
import org.newsclub.net.unix.AFUNIXDatagramChannel;
import org.newsclub.net.unix.AFUNIXSocketAddress;

/** The other end of a {@link DatagramPeer}, for tests. One thread at a time. */
public final class DatagramStandIn implements Closeable {
    private final AFUNIXDatagramChannel channel;

    /** What came, and from where. */
    public record Request(byte[] bytes, SocketAddress from) {}

    public DatagramStandIn(Path path) throws IOException {
        channel = AFUNIXDatagramChannel.open();
        channel.bind(AFUNIXSocketAddress.of(path));
    }

    /** For the name of one socket. */
    public static String word() {
        return UUID.randomUUID().toString();
    }

    public Request receive() throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(1000);
        SocketAddress from = channel.receive(bytes);
        if (from == null) {
            throw new IOException("closed");
        }
        return new Request(Arrays.copyOf(bytes.array(), bytes.position()), trimmed((AFUNIXSocketAddress) from));
    }

    public void send(byte[] bytes, SocketAddress to) throws IOException {
        channel.send(ByteBuffer.wrap(bytes), to);
    }

    /** The library fills a name up with zeros, and takes them for part of it where it is no file. */
    private static AFUNIXSocketAddress trimmed(AFUNIXSocketAddress address) throws IOException {
        byte[] padded = address.getPathAsBytes();
        String name = new String(padded, StandardCharsets.US_ASCII).replace("\0", "");
        return padded[0] == 0 ? AFUNIXSocketAddress.inAbstractNamespace(name) : AFUNIXSocketAddress.of(Path.of(name));
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
