package dev.holdfast.agent.unix;

import java.io.Closeable;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import org.newsclub.net.unix.AFUNIXDatagramChannel;
import org.newsclub.net.unix.AFUNIXSocketAddress;

/**
 * A UNIX datagram socket that talks to one other. It has an address of its own, which the other answers to, and which never was anybody
 * else's: a late answer to another socket cannot come here. The kernel lets nobody but the peer write to it.
 *
 * <p>One thread at a time; any may close.
 */
public final class DatagramPeer implements Closeable {
    private static final long SEND_RETRY_NANOS = 500_000;

    private final Path path;
    private final AFUNIXDatagramChannel channel;
    private final LongSupplier nanoClock;

    private DatagramPeer(Path path, AFUNIXDatagramChannel channel, LongSupplier nanoClock) {
        this.path = path;
        this.channel = channel;
        this.nanoClock = nanoClock;
    }

    /**
     * Does not block.
     *
     * @param path where the peer has its socket
     * @param word names our own end: at most 60 characters of ASCII that are never used again, and that nobody can guess
     * @param nanoClock monotonic nanoseconds
     * @throws IOException if nobody has a socket there, or the path is too long
     */
    public static DatagramPeer connect(Path path, String word, LongSupplier nanoClock) throws IOException {
        SocketPath.check(path);
        AFUNIXDatagramChannel channel = AFUNIXDatagramChannel.open();
        try {
            // A name that is no file: it goes with the process, however that ends. Nobody can take it first.
            channel.bind(AFUNIXSocketAddress.inAbstractNamespace("holdfast-" + word));
            channel.connect(SocketPath.address(path));
            return new DatagramPeer(path, channel, nanoClock);
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    /**
     * Sends one datagram.
     *
     * @param timeout how long the peer may leave its queue full, at least 1 ms
     * @throws IOException if the time is over or the peer is gone
     */
    public void send(byte[] datagram, Duration timeout) throws IOException {
        channel.configureBlocking(false);
        ByteBuffer bytes = ByteBuffer.wrap(datagram);
        long start = nanoClock.getAsLong();
        while (channel.write(bytes) == 0) {
            if (nanoClock.getAsLong() - start >= timeout.toNanos()) {
                throw fullFor(timeout);
            }
            LockSupport.parkNanos(SEND_RETRY_NANOS);
        }
    }

    private SocketTimeoutException fullFor(Duration timeout) {
        return new SocketTimeoutException("the process behind " + path + " took nothing for " + timeout.toMillis()
                + " ms; it hangs or is stopped");
    }

    /**
     * Waits for the next datagram.
     *
     * @param most bytes of it; what is beyond is lost
     * @param timeout at least 1 ms
     * @throws SocketTimeoutException if the time is over
     */
    public byte[] receive(int most, Duration timeout) throws IOException {
        channel.configureBlocking(true);
        channel.socket().setSoTimeout(Math.toIntExact(Math.max(1, timeout.toMillis())));
        DatagramPacket packet = new DatagramPacket(new byte[most], most);
        try {
            channel.socket().receive(packet);
        } catch (SocketTimeoutException e) {
            throw new SocketTimeoutException("no answer from " + path + " within " + timeout.toMillis() + " ms");
        }
        return Arrays.copyOf(packet.getData(), packet.getLength());
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
