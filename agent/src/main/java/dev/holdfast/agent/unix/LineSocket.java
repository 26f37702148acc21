package dev.holdfast.agent.unix;

import java.io.Closeable;
import java.io.FileDescriptor;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.newsclub.net.unix.AFUNIXSocket;
import org.newsclub.net.unix.AFUNIXSocketChannel;
import org.newsclub.net.unix.AFUNIXSocketCredentials;

/**
 * A connected UNIX stream socket that carries UTF-8 lines.
 *
 * <p>Threads: any number may send (one at a time gets through, lines never mix), one may read, any may close. Closing
 * wakes a blocked reader, which then sees the end of the stream. A send can block while the peer does not read and the
 * kernel's buffer (about 200 KiB) is full; only {@link #close()} ends that.
 */
public final class LineSocket implements Closeable {
    /** Longest line accepted unless the caller says otherwise: 1 MiB. */
    public static final int DEFAULT_MAX_LINE_BYTES = 1 << 20;

    private static final long CONNECT_RETRY_NANOS = 2_000_000;

    private final AFUNIXSocket socket;
    private final InputStream input;
    private final OutputStream output;
    private final int maxLineBytes;
    private final Object sending = new Object();
    private byte[] buffer = new byte[8192];
    private int start;
    private int scanned;
    private int end;
    private volatile boolean closed;

    LineSocket(AFUNIXSocket socket, int maxLineBytes) throws IOException {
        this.socket = socket;
        this.maxLineBytes = maxLineBytes;
        this.input = socket.getInputStream();
        this.output = socket.getOutputStream();
    }

    /**
     * Connects with the default line limit.
     *
     * @throws IOException if nobody listens there, if the path is too long, or if the time is over
     */
    public static LineSocket connect(Path path, Duration timeout) throws IOException {
        return connect(path, timeout, DEFAULT_MAX_LINE_BYTES);
    }

    /**
     * Connects.
     *
     * @param timeout bound for the connection only, more than zero; that it succeeds says nothing about the peer's life
     * @param maxLineBytes longest line accepted from the peer
     * @throws IOException if nobody listens there, if the path is too long, or if the time is over
     */
    public static LineSocket connect(Path path, Duration timeout, int maxLineBytes) throws IOException {
        SocketPath.check(path);
        for (long left = timeout.toNanos(); left > 0; left -= CONNECT_RETRY_NANOS) {
            AFUNIXSocket socket = connectNow(path);
            if (socket != null) {
                return new LineSocket(socket, maxLineBytes);
            }
            LockSupport.parkNanos(CONNECT_RETRY_NANOS);
        }
        throw new SocketTimeoutException("nobody accepted the connection to " + path + " within " + timeout.toMillis()
                + " ms; the process behind it hangs or is stopped");
    }

    /**
     * One attempt that never blocks. A blocking connect ignores its time-out for as long as the backlog of the listener
     * is full, as that of a stopped process soon is.
     *
     * @return null if the backlog is full
     */
    private static @Nullable AFUNIXSocket connectNow(Path path) throws IOException {
        AFUNIXSocketChannel channel = AFUNIXSocketChannel.open();
        try {
            channel.configureBlocking(false);
            if (channel.connect(SocketPath.address(path))) {
                channel.configureBlocking(true);
                return (AFUNIXSocket) channel.socket();
            }
            channel.close();
            return null;
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    /**
     * Sends one or more lines in one write.
     *
     * @param lines without their line ends
     * @throws IOException if the connection is gone
     */
    public void send(String... lines) throws IOException {
        byte[] bytes = encode(lines);
        synchronized (sending) {
            output.write(bytes);
        }
    }

    /**
     * Sends one line together with a descriptor (SCM_RIGHTS in the same {@code sendmsg}). The peer gets a duplicate; the
     * caller still owns and closes {@code descriptor}.
     *
     * @throws IOException if the connection is gone
     */
    public void sendWithDescriptor(String line, FileDescriptor descriptor) throws IOException {
        byte[] bytes = encode(line);
        synchronized (sending) {
            socket.setOutboundFileDescriptors(descriptor);
            try {
                output.write(bytes);
            } finally {
                socket.setOutboundFileDescriptors();
            }
        }
    }

    /**
     * Waits for the next line, without its line end ({@code \n} or {@code \r\n}). A time-out keeps what has come so far.
     *
     * @return null at the end of the stream, also after {@link #close()}; an unfinished last line is dropped
     * @throws LineTooLongException if the line passes the limit; the socket is closed then
     * @throws java.net.SocketTimeoutException if the read time-out passes
     * @throws IOException if the connection breaks or the line is not UTF-8
     */
    public @Nullable String readLine() throws IOException {
        while (true) {
            for (; scanned < end; scanned++) {
                if (buffer[scanned] == '\n') {
                    return takeLine();
                }
            }
            if (end - start > maxLineBytes) {
                close();
                throw new LineTooLongException(maxLineBytes);
            }
            if (!fill()) {
                return null;
            }
        }
    }

    /** How long {@link #readLine()} waits for bytes; zero means for ever. */
    public void readTimeout(Duration timeout) throws SocketException {
        socket.setSoTimeout(timeout.isZero() ? 0 : millis(timeout));
    }

    /** Who is at the other end. */
    public PeerCredentials peer() throws IOException {
        AFUNIXSocketCredentials credentials = socket.getPeerCredentials();
        List<Long> gids = credentials.getGids() == null
                ? List.of()
                : LongStream.of(credentials.getGids()).boxed().toList();
        return new PeerCredentials(credentials.getPid(), credentials.getUid(), gids);
    }

    /** Whether this side was closed. */
    public boolean isClosed() {
        return closed;
    }

    @Override
    public void close() throws IOException {
        closed = true;
        try {
            socket.shutdownInput();
            socket.shutdownOutput();
        } catch (IOException e) {
            // The peer was faster; what counts is that the descriptor is closed below.
        }
        socket.close();
    }

    private String takeLine() throws IOException {
        int length = scanned - start;
        int next = scanned + 1;
        if (length > maxLineBytes) {
            close();
            throw new LineTooLongException(maxLineBytes);
        }
        if (length > 0 && buffer[scanned - 1] == '\r') {
            length--;
        }
        ByteBuffer bytes = ByteBuffer.wrap(buffer, start, length);
        start = next;
        scanned = next;
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
        } catch (CharacterCodingException e) {
            throw new IOException("the peer sent a line that is not UTF-8 text", e);
        }
    }

    /** Reads once more. False at the end of the stream. */
    private boolean fill() throws IOException {
        if (start > 0) {
            System.arraycopy(buffer, start, buffer, 0, end - start);
            end -= start;
            scanned -= start;
            start = 0;
        }
        if (end == buffer.length) {
            buffer = Arrays.copyOf(buffer, buffer.length * 2);
        }
        try {
            int count = input.read(buffer, end, buffer.length - end);
            end += Math.max(count, 0);
            return count > 0;
        } catch (IOException e) {
            if (closed) {
                return false;
            }
            throw e;
        }
    }

    private static byte[] encode(String... lines) {
        StringBuilder text = new StringBuilder();
        for (String line : lines) {
            if (line.indexOf('\n') >= 0) {
                throw new IllegalArgumentException("a line to send contains a line end");
            }
            text.append(line).append('\n');
        }
        return text.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static int millis(Duration timeout) {
        return (int) Math.min(Integer.MAX_VALUE, Math.max(1, timeout.toMillis()));
    }
}
