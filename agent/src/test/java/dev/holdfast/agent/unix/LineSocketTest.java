package dev.holdfast.agent.unix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.FileInputStream;
import java.io.IOException;
import java.net.BindException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.newsclub.net.unix.AFUNIXServerSocket;
import org.newsclub.net.unix.AFUNIXSocket;
import org.newsclub.net.unix.AFUNIXSocketAddress;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class LineSocketTest {
    private static final Duration SECOND = Duration.ofSeconds(1);
    private static final int PATIENCE_SECONDS = 30;

    @TempDir
    private Path directory;

    private record Pair(LineServer server, LineSocket client, LineSocket served) implements AutoCloseable {
        @Override
        public void close() throws IOException {
            client.close();
            served.close();
            server.close();
        }
    }

    private Pair pair(int limit) throws IOException {
        LineServer server = LineServer.bind(directory.resolve("s"), null, limit);
        LineSocket client = LineSocket.connect(directory.resolve("s"), SECOND);
        LineSocket served = server.accept();
        assertThat(served).isNotNull();
        return new Pair(server, client, served);
    }

    @Test
    void carriesLinesBothWaysInOrder() throws Exception {
        try (Pair pair = pair(1000)) {
            pair.client().send("one", "two", "drei äöü €");
            assertThat(pair.served().readLine()).isEqualTo("one");
            assertThat(pair.served().readLine()).isEqualTo("two");
            assertThat(pair.served().readLine()).isEqualTo("drei äöü €");
            pair.served().send("{}\r");
            assertThat(pair.client().readLine()).isEqualTo("{}");
        }
    }

    @Test
    void refusesToSendAnEmbeddedLineEnd() throws Exception {
        try (Pair pair = pair(1000)) {
            assertThatThrownBy(() -> pair.client().send("a\nb")).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void tellsWhoThePeerIs() throws Exception {
        try (Pair pair = pair(1000)) {
            PeerCredentials peer = pair.served().peer();
            assertThat(peer.pid()).isEqualTo(ProcessHandle.current().pid());
            assertThat(peer.uid())
                    .isEqualTo(((Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid")).longValue());
            assertThat(peer.gids()).isNotEmpty();
        }
    }

    @Test
    void endOfStreamIsNullAndDropsAnUnfinishedLine() throws Exception {
        try (Pair pair = pair(1000)) {
            pair.client().send("whole");
            pair.client().close();
            assertThat(pair.served().readLine()).isEqualTo("whole");
            assertThat(pair.served().readLine()).isNull();
        }
    }

    @Test
    void anOversizeLineClosesTheConnection() throws Exception {
        try (Pair pair = pair(100)) {
            pair.client().send("x".repeat(100), "y".repeat(101));
            assertThat(pair.served().readLine()).hasSize(100);
            assertThatThrownBy(() -> pair.served().readLine())
                    .isInstanceOf(LineTooLongException.class)
                    .hasMessageContaining("100 bytes");
            assertThat(pair.served().isClosed()).isTrue();
            assertThat(pair.client().readLine()).isNull();
        }
    }

    @Test
    void aLineWithoutEndIsBoundedToo() throws Exception {
        try (Pair pair = pair(20_000)) {
            CompletableFuture<@Nullable Void> flood = CompletableFuture.runAsync(() -> {
                try {
                    pair.client().send("x".repeat(2_000_000));
                } catch (IOException e) {
                    // The server hung up, as it should.
                }
            });
            assertThatThrownBy(() -> pair.served().readLine()).isInstanceOf(LineTooLongException.class);
            flood.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        }
    }

    @Test
    void bytesThatAreNotTextAreAnError() throws Exception {
        try (LineServer server = LineServer.bind(directory.resolve("s"), null, 1000);
                AFUNIXSocket raw = AFUNIXSocket.connectTo(AFUNIXSocketAddress.of(directory.resolve("s")))) {
            LineSocket served = server.accept();
            raw.getOutputStream().write(new byte[] {(byte) 0xff, (byte) 0xfe, '\n'});
            assertThat(served).isNotNull();
            assertThatThrownBy(served::readLine).hasMessageContaining("not UTF-8");
        }
    }

    @Test
    void aReadTimesOutAndKeepsTheBeginningOfTheLine() throws Exception {
        try (LineServer server = LineServer.bind(directory.resolve("s"), null, 1000);
                AFUNIXSocket raw = AFUNIXSocket.connectTo(AFUNIXSocketAddress.of(directory.resolve("s")))) {
            LineSocket served = server.accept();
            assertThat(served).isNotNull();
            served.readTimeout(Duration.ofMillis(50));
            raw.getOutputStream().write("half".getBytes(StandardCharsets.UTF_8));
            assertThatThrownBy(served::readLine).isInstanceOf(SocketTimeoutException.class);
            raw.getOutputStream().write(" whole\n".getBytes(StandardCharsets.UTF_8));
            assertThat(served.readLine()).isEqualTo("half whole");
        }
    }

    @Test
    void closingWakesABlockedReader() throws Exception {
        try (Pair pair = pair(1000)) {
            CompletableFuture<@Nullable String> read = CompletableFuture.supplyAsync(() -> {
                try {
                    return pair.client().readLine();
                } catch (IOException e) {
                    return e.toString();
                }
            });
            pair.client().close();
            assertThat(read.get(PATIENCE_SECONDS, TimeUnit.SECONDS)).isNull();
        }
    }

    @Test
    void passesADescriptorWithTheLine() throws Exception {
        Path file = Files.writeString(directory.resolve("f"), "hello from a descriptor");
        try (AFUNIXServerSocket server = AFUNIXServerSocket.bindOn(AFUNIXSocketAddress.of(directory.resolve("raw")));
                LineSocket client = LineSocket.connect(directory.resolve("raw"), SECOND);
                FileInputStream open = new FileInputStream(file.toFile())) {
            AFUNIXSocket served = server.accept();
            served.setAncillaryReceiveBufferSize(1024);
            client.sendWithDescriptor("take", open.getFD());
            client.send("plain");
            byte[] bytes = new byte[5];
            assertThat(served.getInputStream().readNBytes(bytes, 0, 5)).isEqualTo(5);
            java.io.FileDescriptor[] received = served.getReceivedFileDescriptors();
            assertThat(received).hasSize(1);
            try (FileInputStream duplicate = new FileInputStream(received[0])) {
                assertThat(new String(duplicate.readAllBytes(), StandardCharsets.UTF_8))
                        .isEqualTo("hello from a descriptor");
            }
            assertThat(served.getInputStream().readNBytes(bytes, 0, 5)).isEqualTo(5);
            assertThat(served.getReceivedFileDescriptors()).isNullOrEmpty();
            assertThat(open.getFD().valid()).isTrue();
        }
    }

    @Test
    void connectingDoesNotHangWhenTheBacklogIsFull() throws Exception {
        try (AFUNIXServerSocket server = AFUNIXServerSocket.newInstance()) {
            server.bind(AFUNIXSocketAddress.of(directory.resolve("full")), 1);
            assertThatThrownBy(() -> {
                        for (int i = 0; i < 10; i++) {
                            LineSocket.connect(directory.resolve("full"), Duration.ofMillis(300));
                        }
                    })
                    .isInstanceOf(SocketTimeoutException.class)
                    .hasMessageContaining("hangs or is stopped");
        }
    }

    @Test
    void theSocketIsForOwnerAndGroupOnly() throws Exception {
        try (LineServer server = LineServer.bind(directory.resolve("s"), "root", 1000)) {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(server.path())))
                    .isEqualTo("rw-rw----");
        }
        assertThat(directory).isEmptyDirectory();
    }

    @Test
    void anUnknownGroupIsAClearError() {
        assertThatThrownBy(() -> LineServer.bind(directory.resolve("s"), "no-such-group", 1000))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("group 'no-such-group' does not exist");
        assertThat(directory).isEmptyDirectory();
    }

    @Test
    void aLongPathIsRefusedAtBothEnds() {
        Path path = directory.resolve("x".repeat(101));
        assertThatThrownBy(() -> LineServer.bind(path, null, 1000))
                .isInstanceOf(SocketException.class)
                .hasMessageContaining("allows only 100");
        assertThatThrownBy(() -> LineSocket.connect(path, SECOND)).hasMessageContaining("allows only 100");
    }

    @Test
    void aSecondServerIsRefusedButADeadOnesSocketIsReplaced() throws Exception {
        Path path = directory.resolve("s");
        try (LineServer first = LineServer.bind(path, null, 1000)) {
            assertThatThrownBy(() -> LineServer.bind(path, null, 1000))
                    .isInstanceOf(BindException.class)
                    .hasMessageContaining("already listens");
            assertThat(first.path()).exists();
        }
        try (AFUNIXServerSocket dead = AFUNIXServerSocket.newInstance()) {
            dead.setDeleteOnClose(false);
            dead.bind(AFUNIXSocketAddress.of(path));
        }
        assertThat(path).exists();
        try (LineServer second = LineServer.bind(path, null, 1000);
                LineSocket client = LineSocket.connect(path, SECOND)) {
            assertThat(second.accept()).isNotNull();
            assertThat(client.isClosed()).isFalse();
        }
    }

    @Test
    void closingEndsAccept() throws Exception {
        LineServer server = LineServer.bind(directory.resolve("s"), null, 1000);
        CompletableFuture<@Nullable LineSocket> accepted = CompletableFuture.supplyAsync(() -> {
            try {
                return server.accept();
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        });
        server.close();
        assertThat(accepted.get(PATIENCE_SECONDS, TimeUnit.SECONDS)).isNull();
    }
}
