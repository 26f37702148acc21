package dev.holdfast.agent.unix;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import org.newsclub.net.unix.AFUNIXSocket;

/** Finds out whether somebody answers at a UNIX socket, for those who would wait for ever. */
public final class StreamProbe {
    private StreamProbe() {}

    /**
     * Connects, reads that many bytes, and hangs up.
     *
     * @param timeout bound for each of the steps
     * @throws IOException if nobody listens or answers in time
     */
    public static byte[] greeting(Path path, int bytes, Duration timeout) throws IOException {
        SocketPath.check(path);
        int millis = Math.toIntExact(Math.max(1, timeout.toMillis()));
        try (AFUNIXSocket socket = AFUNIXSocket.newInstance()) {
            socket.connect(SocketPath.address(path), millis);
            socket.setSoTimeout(millis);
            return socket.getInputStream().readNBytes(bytes);
        } catch (SocketTimeoutException e) {
            throw new IOException("no answer from " + path + " within " + millis + " ms", e);
        }
    }
}
