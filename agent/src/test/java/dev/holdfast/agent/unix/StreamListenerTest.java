package dev.holdfast.agent.unix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class StreamListenerTest {
    @TempDir
    private Path directory;

    private CompletableFuture<Long> taking(StreamListener listener, FileChannel file) {
        return CompletableFuture.supplyAsync(() -> {
            try {
                return listener.takeInto(file);
            } catch (IOException e) {
                throw new CompletionException(e);
            }
        });
    }

    private FileChannel file() throws IOException {
        return FileChannel.open(directory.resolve("file"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    }

    private static SocketChannel connect(StreamListener listener) throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        channel.connect(UnixDomainSocketAddress.of(listener.path()));
        return channel;
    }

    @Test
    void aStreamIsStoredToItsEnd() throws Exception {
        byte[] bytes = new byte[3 << 20];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (i * 31);
        }
        try (StreamListener listener = StreamListener.bind(directory.resolve("s"));
                FileChannel file = file()) {
            CompletableFuture<Long> taken = taking(listener, file);
            try (SocketChannel channel = connect(listener)) {
                ByteBuffer buffer = ByteBuffer.wrap(bytes);
                while (buffer.hasRemaining()) {
                    channel.write(buffer);
                }
            }
            assertThat(taken.get(20, TimeUnit.SECONDS)).isEqualTo(bytes.length);
        }
        assertThat(Files.readAllBytes(directory.resolve("file"))).isEqualTo(bytes);
        assertThat(directory.resolve("s")).doesNotExist();
    }

    @Test
    void closingEndsAWaitAndAStreamUnderWay() throws Exception {
        try (FileChannel file = file()) {
            StreamListener waiting = StreamListener.bind(directory.resolve("w"));
            CompletableFuture<Long> nobody = taking(waiting, file);
            waiting.close();
            assertThatThrownBy(() -> nobody.get(20, TimeUnit.SECONDS)).hasCauseInstanceOf(IOException.class);
            StreamListener listening = StreamListener.bind(directory.resolve("l"));
            CompletableFuture<Long> taken = taking(listening, file);
            try (SocketChannel channel = connect(listening)) {
                channel.write(ByteBuffer.wrap(new byte[10]));
                listening.close();
                assertThatThrownBy(() -> taken.get(20, TimeUnit.SECONDS)).hasCauseInstanceOf(IOException.class);
            }
        }
    }

    @Test
    void nobodyAndSomebodySilentAreNoAnswer() throws Exception {
        Path path = directory.resolve("s");
        assertThatThrownBy(() -> StreamProbe.greeting(path, 8, Duration.ofMillis(200)))
                .isInstanceOf(IOException.class);
        try (StreamListener silent = StreamListener.bind(path)) {
            assertThat(silent.path()).isEqualTo(path);
            assertThatThrownBy(() -> StreamProbe.greeting(path, 8, Duration.ofMillis(200)))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("no answer");
        }
    }
}
