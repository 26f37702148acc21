package dev.holdfast.agent.unix;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.newsclub.net.unix.AFUNIXDatagramSocket;
import org.newsclub.net.unix.AFUNIXSocketAddress;

/**
 * Tells the service manager how this process is, by one datagram each (sd_notify(3), without its library). Without a
 * manager that listens every call does nothing. Thread-safe.
 */
public final class ServiceNotifier {

    private final Optional<AFUNIXSocketAddress> manager;
    private final Optional<Duration> watchdog;

    private ServiceNotifier(Optional<AFUNIXSocketAddress> manager, Optional<Duration> watchdog) {
        this.manager = manager;
        this.watchdog = watchdog;
    }

    /**
     * Reads what the manager has put into the environment: {@code NOTIFY_SOCKET}, {@code WATCHDOG_USEC} and
     * {@code WATCHDOG_PID}.
     *
     * @param self pid of this process: a watchdog for another one is none of ours
     * @throws IOException if the manager's socket has an address that cannot be
     */
    public static ServiceNotifier of(Map<String, String> environment, long self) throws IOException {
        String socket = environment.getOrDefault("NOTIFY_SOCKET", "");
        if (socket.isEmpty()) {
            return new ServiceNotifier(Optional.empty(), Optional.empty());
        }
        return new ServiceNotifier(Optional.of(address(socket)), watchdog(environment, self));
    }

    private static AFUNIXSocketAddress address(String socket) throws IOException {
        if (socket.startsWith("@")) {
            return AFUNIXSocketAddress.inAbstractNamespace(socket.substring(1));
        }
        if (!socket.startsWith("/")) {
            throw new SocketException("NOTIFY_SOCKET is \"" + socket
                    + "\", which is neither a path nor an abstract name; see sd_notify(3)");
        }
        return SocketPath.address(Path.of(socket));
    }

    private static Optional<Duration> watchdog(Map<String, String> environment, long self) {
        String pid = environment.getOrDefault("WATCHDOG_PID", "");
        String micros = environment.getOrDefault("WATCHDOG_USEC", "");
        if (!micros.matches("[1-9][0-9]{0,17}") || !(pid.isEmpty() || pid.equals(Long.toString(self)))) {
            return Optional.empty();
        }
        return Optional.of(Duration.ofNanos(Math.multiplyExact(Long.parseLong(micros) / 1000, 1_000_000L)));
    }

    /** After how long without a sign of life the manager ends this process; empty if it does not. */
    public Optional<Duration> watchdog() {
        return watchdog;
    }

    /** The service answers. */
    public void ready() throws IOException {
        send("READY=1");
    }

    /** The service ends on its own accord. */
    public void stopping() throws IOException {
        send("STOPPING=1");
    }

    /** A sign of life. */
    public void alive() throws IOException {
        send("WATCHDOG=1");
    }

    private void send(String state) throws IOException {
        if (manager.isEmpty()) {
            return;
        }
        byte[] message = state.getBytes(StandardCharsets.US_ASCII);
        try (AFUNIXDatagramSocket socket = AFUNIXDatagramSocket.newInstance()) {
            socket.connect(manager.get());
            socket.send(new DatagramPacket(message, message.length));
        }
    }
}
