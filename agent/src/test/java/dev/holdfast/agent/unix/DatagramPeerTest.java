package dev.holdfast.agent.unix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class DatagramPeerTest {
    private static final Duration SHORT = Duration.ofMillis(50);
    private static final Duration LONG = Duration.ofSeconds(10);

    @TempDir
    private Path directory;

    private DatagramStandIn peer() throws IOException {
        return new DatagramStandIn(directory.resolve("peer"));
    }

    @Test
    void answersComeToTheOneThatAsked() throws Exception {
        try (DatagramStandIn peer = peer();
                DatagramPeer first =
                        DatagramPeer.connect(directory.resolve("peer"), DatagramStandIn.word(), System::nanoTime);
                DatagramPeer second =
                        DatagramPeer.connect(directory.resolve("peer"), DatagramStandIn.word(), System::nanoTime)) {
            first.send("first".getBytes(), LONG);
            DatagramStandIn.Request fromFirst = peer.receive();
            assertThat(fromFirst.bytes()).asString().isEqualTo("first");
            second.send("second".getBytes(), LONG);
            DatagramStandIn.Request fromSecond = peer.receive();
            peer.send("one".getBytes(), fromFirst.from());
            peer.send("more than fits".getBytes(), fromFirst.from());
            peer.send("two".getBytes(), fromSecond.from());
            assertThat(second.receive(100, LONG)).asString().isEqualTo("two");
            assertThat(first.receive(100, LONG)).asString().isEqualTo("one");
            assertThat(first.receive(4, LONG)).asString().isEqualTo("more");
            assertThatThrownBy(() -> first.receive(100, SHORT))
                    .isInstanceOf(SocketTimeoutException.class)
                    .hasMessageContaining("within 50 ms");
        }
    }

    @Test
    void nobodyElseIsHeard() throws Exception {
        try (DatagramStandIn peer = peer();
                DatagramStandIn stranger = new DatagramStandIn(directory.resolve("stranger"));
                DatagramPeer asking =
                        DatagramPeer.connect(directory.resolve("peer"), DatagramStandIn.word(), System::nanoTime)) {
            asking.send("?".getBytes(), LONG);
            DatagramStandIn.Request question = peer.receive();
            assertThatThrownBy(() -> stranger.send("false".getBytes(), question.from()))
                    .isInstanceOf(SocketException.class);
            assertThatThrownBy(() -> asking.receive(100, SHORT)).isInstanceOf(SocketTimeoutException.class);
        }
    }

    @Test
    void onePathMayHaveNobodyBehindIt() throws Exception {
        Path path = directory.resolve("peer");
        assertThatThrownBy(() -> DatagramPeer.connect(path, DatagramStandIn.word(), System::nanoTime))
                .isInstanceOf(IOException.class);
        peer().close();
        assertThatThrownBy(() -> DatagramPeer.connect(path, DatagramStandIn.word(), System::nanoTime))
                .isInstanceOf(IOException.class);
        assertThatThrownBy(() ->
                        DatagramPeer.connect(Path.of("/" + "x".repeat(200)), DatagramStandIn.word(), System::nanoTime))
                .hasMessageContaining("the kernel allows only");
    }

    /** On a busy machine a pause of half a millisecond takes many: the bound is one of time, not of pauses. */
    @Test
    void theWaitIsMeasuredByTheClock() throws Exception {
        Duration hour = Duration.ofHours(1);
        AtomicLong clock = new AtomicLong();
        try (DatagramStandIn peer = peer();
                DatagramPeer asking = DatagramPeer.connect(
                        directory.resolve("peer"), DatagramStandIn.word(), () -> clock.getAndAdd(hour.toNanos()))) {
            assertThatThrownBy(() -> {
                        for (int i = 0; i < 100_000; i++) {
                            asking.send(new byte[500], hour);
                        }
                    })
                    .hasMessageContaining("took nothing");
            assertThat(peer.receive().bytes()).hasSize(500);
        }
    }

    @Test
    void whoTakesNothingIsNotWaitedForForEver() throws Exception {
        try (DatagramStandIn peer = peer();
                DatagramPeer asking =
                        DatagramPeer.connect(directory.resolve("peer"), DatagramStandIn.word(), System::nanoTime)) {
            assertThatThrownBy(() -> {
                        for (int i = 0; i < 100_000; i++) {
                            asking.send(new byte[500], SHORT);
                        }
                    })
                    .isInstanceOf(SocketTimeoutException.class)
                    .hasMessageContaining("took nothing");
            assertThat(peer.receive().bytes()).hasSize(500);
        }
    }
}
