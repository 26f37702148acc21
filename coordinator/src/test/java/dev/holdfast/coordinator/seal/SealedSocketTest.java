package dev.holdfast.coordinator.seal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SealedSocketTest {

    private static final byte[] TEXT = "FREEZE".getBytes(StandardCharsets.US_ASCII);
    private static final int RECORD = Integer.BYTES + TEXT.length + Seal.TAG;

    private final AtomicInteger turnedAway = new AtomicInteger();
    private SealedServerSocket server;

    @BeforeEach
    void opens() throws IOException {
        server = new SealedServerSocket(keys("shared"), turnedAway::incrementAndGet);
        server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    }

    @AfterEach
    void closes() throws IOException {
        server.close();
    }

    private static ConnectionKeys keys(String shared) {
        return (direction, called, callerSalt, calledSalt) -> {
            try {
                MessageDigest digest = MessageDigest.getInstance("SHA-256");
                digest.update((shared + direction).getBytes(StandardCharsets.UTF_8));
                digest.update(called);
                digest.update(callerSalt);
                return new SecretKeySpec(digest.digest(calledSalt), Seal.KEY);
            } catch (NoSuchAlgorithmException missing) {
                throw new IllegalStateException(missing);
            }
        };
    }

    private CompletableFuture<Socket> accepted() {
        return CompletableFuture.supplyAsync(() -> {
            try {
                return server.accept();
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        });
    }

    private static SealedSocket call(ServerSocket whom, String shared) throws IOException {
        SealedSocket caller = new SealedSocket(keys(shared));
        caller.connect(whom.getLocalSocketAddress(), 60_000);
        return caller;
    }

    @Test
    void anyAmountArrivesInBothDirections() throws Exception {
        CompletableFuture<Socket> other = accepted();
        byte[] much = new byte[100_000];
        new Random(1).nextBytes(much);
        try (SealedSocket caller = call(server, "shared");
                Socket called = other.get(60, TimeUnit.SECONDS)) {
            CompletableFuture<Void> sending = CompletableFuture.runAsync(() -> {
                try {
                    caller.getOutputStream().write(much);
                    caller.getOutputStream().write(7);
                } catch (IOException e) {
                    throw new IllegalStateException(e);
                }
            });
            assertThat(called.getInputStream().readNBytes(much.length)).isEqualTo(much);
            assertThat(called.getInputStream().read()).isEqualTo(7);
            sending.get(60, TimeUnit.SECONDS);
            called.getOutputStream().write(TEXT);
            assertThat(caller.getInputStream().readNBytes(TEXT.length)).isEqualTo(TEXT);
            called.close();
            assertThat(caller.getInputStream().read()).isEqualTo(-1);
        }
        assertThat(turnedAway).hasValue(0);
    }

    @Test
    void whoHasAnotherKeyIsTurnedAwayOnBothSides() {
        CompletableFuture<Socket> other = accepted();
        assertThatThrownBy(() -> call(server, "another")).isInstanceOf(IOException.class);
        await().atMost(Duration.ofMinutes(1)).until(() -> turnedAway.get() == 1);
        assertThat(other).isNotDone();
    }

    /** Somebody in between takes a caller to another node than the one that he called. */
    @Test
    void aConnectionThatIsTakenElsewhereIsRefused() throws Exception {
        CompletableFuture<Socket> other = accepted();
        try (ServerSocket relay = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                Socket onward = new Socket(server.getInetAddress(), server.getLocalPort())) {
            CompletableFuture<Void> there = CompletableFuture.runAsync(() -> {
                try (Socket caller = relay.accept()) {
                    onward.getOutputStream().write(caller.getInputStream().readNBytes(40));
                    caller.getOutputStream().write(onward.getInputStream().readNBytes(32));
                    onward.getOutputStream().write(caller.getInputStream().readNBytes(20));
                    caller.getOutputStream().write(onward.getInputStream().readAllBytes());
                } catch (IOException e) {
                    throw new IllegalStateException(e);
                }
            });
            assertThatThrownBy(() -> call(relay, "shared")).isInstanceOf(IOException.class);
            there.get(60, TimeUnit.SECONDS);
        }
        await().atMost(Duration.ofMinutes(1)).until(() -> turnedAway.get() == 1);
        assertThat(other).isNotDone();
    }

    @Test
    void closingEndsTheWaitingAndShowsStrangersTheDoor() throws Exception {
        CompletableFuture<Socket> other = accepted();
        try (Socket stranger = new Socket(server.getInetAddress(), server.getLocalPort())) {
            stranger.getOutputStream().write("HOLDFAS1".getBytes(StandardCharsets.US_ASCII));
            server.close();
            assertThat(other).failsWithin(Duration.ofMinutes(1));
            stranger.setSoTimeout(60_000);
            assertThatThrownBy(() -> {
                        if (stranger.getInputStream().read() < 0) {
                            throw new SocketException("hung up");
                        }
                    })
                    .isInstanceOf(SocketException.class);
        }
        assertThatThrownBy(() -> server.accept()).isInstanceOf(SocketException.class);
    }

    private static InputStream received(byte[] wire) throws Exception {
        byte[] salt = new byte[32];
        return new SealedInput(
                new ByteArrayInputStream(wire), new Seal(keys("shared").key("there", salt, salt, salt)));
    }

    /** Three records of one connection. */
    private static byte[] sent() throws Exception {
        byte[] salt = new byte[32];
        ByteArrayOutputStream wire = new ByteArrayOutputStream();
        SealedOutput out = new SealedOutput(wire, new Seal(keys("shared").key("there", salt, salt, salt)));
        for (int i = 0; i < 3; i++) {
            out.write(TEXT);
        }
        return wire.toByteArray();
    }

    @Test
    void everyAlteredBitIsNoticed() throws Exception {
        byte[] wire = sent();
        assertThat(received(wire).readAllBytes()).hasSize(3 * TEXT.length);
        for (int bit = 0; bit < wire.length * 8; bit++) {
            byte[] altered = wire.clone();
            altered[bit / 8] ^= (byte) (1 << bit % 8);
            assertThatThrownBy(() -> received(altered).readAllBytes())
                    .as("bit %d", bit)
                    .isInstanceOf(IOException.class);
        }
    }

    @Test
    void whatIsRepeatedLeftOutOrSwappedIsNoticed() throws Exception {
        byte[] wire = sent();
        for (int[] order : new int[][] {{0, 0}, {1}, {0, 2}, {1, 0}, {0, 1, 1}}) {
            ByteBuffer other = ByteBuffer.allocate(order.length * RECORD);
            Arrays.stream(order).forEach(record -> other.put(wire, record * RECORD, RECORD));
            assertThatThrownBy(() -> received(other.array()).readAllBytes())
                    .as(Arrays.toString(order))
                    .isInstanceOf(IOException.class);
        }
    }

    @Test
    void whatIsAnnouncedTooLongOrTooShortIsNotWaitedFor() {
        for (int length : new int[] {Integer.MIN_VALUE, -1, 0, 15, 16 * 1024 + 17, Integer.MAX_VALUE}) {
            byte[] wire = ByteBuffer.allocate(100).putInt(length).array();
            assertThatThrownBy(() -> received(wire).read()).hasMessageContaining(length + " bytes");
        }
    }
}
