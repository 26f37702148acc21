package dev.holdfast.agent.tunnel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whoever reaches the port of a door can take nothing from its node without the secret. */
@Timeout(180)
class StrangersTest {
    private static final Duration SHORT = Duration.ofMillis(300);
    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final Duration LONG = Duration.ofMinutes(10);
    private static final byte[] GREETING = ("HOLDFAST MOVE 2\n" + "s".repeat(32)).getBytes(StandardCharsets.US_ASCII);

    private final Secret secret = Secret.fresh();

    private Door door(Duration handshake) throws IOException {
        ServerSocket server = new ServerSocket(0, 64, InetAddress.getLoopbackAddress());
        return Door.open(server, secret, StrangersTest::onlyWelcome, handshake);
    }

    private static Door.Served onlyWelcome(Door door, SealedConnection connection) throws IOException {
        connection.welcome();
        return Door.Served.JOINED;
    }

    private static Socket caller(Door door) throws IOException {
        Socket caller = new Socket(InetAddress.getLoopbackAddress(), door.port());
        caller.setSoTimeout(Math.toIntExact(PATIENCE.toMillis()));
        return caller;
    }

    /** What was not read yet at the far end makes it a reset. */
    private static void requireEnd(Socket caller) throws IOException {
        try {
            caller.getInputStream().readAllBytes();
        } catch (SocketException e) {
            assertThat(e).hasMessageContaining("reset");
        }
    }

    private void requireOpenForThoseWhoKnow(Door door) throws IOException {
        InetSocketAddress address = new InetSocketAddress(InetAddress.getLoopbackAddress(), door.port());
        SealedConnection.call(address, secret, "memory", PATIENCE).close();
    }

    @Test
    void aSilentCallerIsCutOff() throws IOException {
        try (Door door = door(SHORT);
                Socket caller = caller(door)) {
            requireEnd(caller);
        }
    }

    @Test
    void aCallerWhoDripsIsCutOffAlthoughItNeverPausesForLong() throws Exception {
        try (Door door = door(SHORT);
                Socket caller = caller(door)) {
            Thread drips = new Thread(() -> drip(caller));
            drips.setDaemon(true);
            drips.start();
            requireEnd(caller);
        }
    }

    /** The greeting, a length that is allowed, and zeros, with less between them than a silent caller has: a minute of it. */
    private static void drip(Socket caller) {
        byte[] said = ByteBuffer.allocate(GREETING.length + Integer.BYTES)
                .put(GREETING)
                .putInt(SealedConnection.MOST_OF_A_STRANGER)
                .array();
        try (Socket dripping = caller) {
            BlockingQueue<String> nothing = new LinkedBlockingQueue<>();
            for (int i = 0; nothing.poll(SHORT.toMillis() / 5, TimeUnit.MILLISECONDS) == null; i++) {
                dripping.getOutputStream().write(i < said.length ? said[i] : 0);
            }
        } catch (IOException e) {
            assertThat(e).as("cut off, as it should be").isNotNull();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void aStrangerWhoAnnouncesALargeMessageIsCutOffAtOnce() throws IOException {
        try (Door door = door(LONG);
                Socket caller = caller(door)) {
            caller.getOutputStream().write(GREETING);
            assertThat(caller.getInputStream().readNBytes(32)).hasSize(32);
            new DataOutputStream(caller.getOutputStream()).writeInt(SealedConnection.MOST);
            requireEnd(caller);
        }
    }

    @Test
    void moreStrangersThanThereArePlacesAreTurnedAwayAndMakeRoomWhenTheyGo() throws IOException {
        List<Socket> strangers = new ArrayList<>();
        try (Door door = door(LONG)) {
            for (int i = 0; i < Door.STRANGERS; i++) {
                strangers.add(caller(door));
                strangers.get(i).getOutputStream().write(GREETING);
                assertThat(strangers.get(i).getInputStream().readNBytes(32)).hasSize(32);
            }
            try (Socket oneTooMany = caller(door)) {
                requireEnd(oneTooMany);
            }
            for (Socket stranger : strangers) {
                new DataOutputStream(stranger.getOutputStream()).writeInt(-1);
                requireEnd(stranger);
                stranger.close();
            }
            requireOpenForThoseWhoKnow(door);
        }
    }

    /** A door whose node has no file descriptors left. */
    private static final class Exhausted extends ServerSocket {
        private final BlockingQueue<Long> tries = new LinkedBlockingQueue<>();

        private Exhausted() throws IOException {
            super(0, 1, InetAddress.getLoopbackAddress());
        }

        @Override
        public Socket accept() throws IOException {
            tries.add(System.nanoTime());
            throw new SocketException("Too many open files");
        }
    }

    @Test
    void aDoorThatCannotLetAnybodyInPausesBeforeItTriesAgain() throws Exception {
        try (Exhausted server = new Exhausted();
                Door door = Door.open(server, secret, StrangersTest::onlyWelcome, LONG)) {
            assertThat(door.port()).isPositive();
            long first = server.tries.take();
            long second = server.tries.take();
            assertThat(Duration.ofNanos(second - first)).isGreaterThan(Duration.ofMillis(150));
        }
    }
}
