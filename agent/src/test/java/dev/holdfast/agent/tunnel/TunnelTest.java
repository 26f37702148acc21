package dev.holdfast.agent.tunnel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TunnelTest {
    private static final Duration SOON = Duration.ofMinutes(1);

    @TempDir
    private Path directory;

    private final Secret secret = Secret.fresh();

    private static InetSocketAddress at(Door door) {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), door.port());
    }

    private static byte[] noise(int bytes) {
        byte[] noise = new byte[bytes];
        new Random(7).nextBytes(noise);
        return noise;
    }

    private static Door.Served onlyWelcome(Door door, SealedConnection connection) throws IOException {
        connection.welcome();
        return Door.Served.JOINED;
    }

    @Test
    void carriesBytesBothWaysBetweenTwoUnixSocketsAndTheirEndsToo() throws Exception {
        Path program = directory.resolve("program.sock");
        Path near = directory.resolve("near.sock");
        byte[] there = noise(300_000);
        byte[] back = noise(70_001);
        try (ServerSocketChannel listening = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
                Door door = Door.open("127.0.0.1", secret, (d, c) -> {
                    d.join(c, program);
                    return Door.Served.JOINED;
                });
                Gateway gateway = new Gateway(at(door), secret, SOON)) {
            listening.bind(UnixDomainSocketAddress.of(program));
            gateway.open(near, "disk d0");
            CompletableFuture<byte[]> far = CompletableFuture.supplyAsync(() -> {
                try (SocketChannel channel = listening.accept()) {
                    byte[] got = Channels.newInputStream(channel).readAllBytes();
                    Channels.newOutputStream(channel).write(back);
                    return got;
                } catch (IOException e) {
                    throw new IllegalStateException(e);
                }
            });
            try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(near))) {
                channel.write(ByteBuffer.wrap(there));
                channel.shutdownOutput();
                assertThat(Channels.newInputStream(channel).readAllBytes()).isEqualTo(back);
            }
            assertThat(far.get(60, TimeUnit.SECONDS)).isEqualTo(there);
        }
    }

    @Test
    void doesNotAnswerWhoDoesNotKnowTheSecret() throws IOException {
        try (Door door = Door.open("127.0.0.1", secret, TunnelTest::onlyWelcome)) {
            assertThatThrownBy(() -> SealedConnection.call(at(door), Secret.fresh(), "memory", SOON))
                    .isInstanceOf(IOException.class);
            SealedConnection.call(at(door), Secret.parse(secret.text()), "memory", SOON)
                    .close();
        }
    }

    @Test
    void noticesWhatSomebodyBetweenTheTwoAltersAndCutsOff() throws Exception {
        BlockingQueue<String> got = new LinkedBlockingQueue<>();
        Door.Visitors listening = (d, c) -> {
            c.welcome();
            try {
                for (byte[] m = c.receive(); m != null; m = c.receive()) {
                    got.add(new String(m, StandardCharsets.UTF_8));
                }
                got.add("(end)");
            } catch (IOException e) {
                got.add("(broken)");
            }
            return Door.Served.WHOLLY;
        };
        try (Door door = Door.open("127.0.0.1", secret, listening);
                SealedConnection whole = SealedConnection.call(at(door), secret, "files", SOON)) {
            whole.send("one".getBytes(StandardCharsets.UTF_8));
            whole.end();
            assertThat(got.poll(60, TimeUnit.SECONDS)).isEqualTo("one");
            assertThat(got.poll(60, TimeUnit.SECONDS)).isEqualTo("(end)");
            SealedConnection.call(at(door), secret, "files", SOON).close();
            assertThat(got.poll(60, TimeUnit.SECONDS)).as("cut off is no end").isEqualTo("(broken)");
            try (ServerSocket between = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
                Thread alters = new Thread(() -> altering(between, at(door)));
                alters.setDaemon(true);
                alters.start();
                InetSocketAddress middle =
                        new InetSocketAddress(InetAddress.getLoopbackAddress(), between.getLocalPort());
                try (SealedConnection altered = SealedConnection.call(middle, secret, "files", SOON)) {
                    altered.send("two".getBytes(StandardCharsets.UTF_8));
                    assertThat(got.poll(60, TimeUnit.SECONDS)).isEqualTo("(broken)");
                }
            }
        }
    }

    /** Carries the greeting as it is, and one bit of the message after it the other way round. */
    private static void altering(ServerSocket between, InetSocketAddress door) {
        try (Socket caller = between.accept();
                Socket called = new Socket(door.getAddress(), door.getPort())) {
            int greeting = 16 + 32;
            int purpose = 4 + "files".length() + 16;
            called.getOutputStream().write(caller.getInputStream().readNBytes(greeting));
            caller.getOutputStream().write(called.getInputStream().readNBytes(32));
            called.getOutputStream().write(caller.getInputStream().readNBytes(purpose));
            caller.getOutputStream().write(called.getInputStream().readNBytes(4 + 1 + 16));
            byte[] message = caller.getInputStream().readNBytes(4 + 3 + 16);
            message[5] ^= 1;
            called.getOutputStream().write(message);
            called.getInputStream().read();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Waits for a byte or the end; what was not read yet at the far end makes it a reset. */
    private static boolean hasEnded(SocketChannel channel) {
        try {
            return channel.read(ByteBuffer.allocate(1)) < 0;
        } catch (IOException e) {
            return true;
        }
    }

    @Test
    void closingTheGatewayEndsAProgramThatWaits() throws IOException {
        Path near = directory.resolve("near.sock");
        try (Door door = Door.open("127.0.0.1", secret, TunnelTest::onlyWelcome)) {
            Gateway gateway = new Gateway(at(door), secret, SOON);
            gateway.open(near, "disk d0");
            try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(near))) {
                channel.write(ByteBuffer.wrap(new byte[] {1}));
                CompletableFuture.runAsync(gateway::close);
                assertThat(hasEnded(channel)).isTrue();
            }
            assertThatThrownBy(() -> gateway.call("files")).hasMessageContaining("closed");
        }
    }

    @Test
    void aDoorTakesTheFirstFreePortOfItsRangeAndSaysWhenThereIsNone() throws Exception {
        Secret secret = Secret.fresh();
        try (Door any = Door.open("127.0.0.1", secret, TunnelTest::onlyWelcome)) {
            int taken = any.port();
            assertThatThrownBy(() -> Door.open("127.0.0.1", taken, taken, secret, TunnelTest::onlyWelcome))
                    .isInstanceOf(BindException.class);
            try (Door next = Door.open("127.0.0.1", taken, 65_535, secret, TunnelTest::onlyWelcome)) {
                assertThat(next.port()).isGreaterThan(taken);
            }
        }
    }
}
