package dev.holdfast.agent.qmp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class QmpClientTest {
    private static final Duration LONG = Duration.ofMinutes(1);
    private static final Duration SHORT = Duration.ofMillis(150);
    private static final List<String> OK = List.of("{\"return\":{},\"id\":ID}");
    private static final String STOP = "{\"timestamp\":{\"seconds\":5,\"microseconds\":7},\"event\":\"STOP\"}";

    @TempDir
    private Path directory;

    private Path path;
    private FakeQmpServer server;
    private QmpClient client;

    @BeforeEach
    void place() {
        path = directory.resolve("qmp.sock");
    }

    @AfterEach
    void close() throws IOException {
        if (client != null) {
            client.close();
        }
        if (server != null) {
            server.close();
        }
    }

    private void start(Function<String, List<String>> script) throws IOException {
        server = new FakeQmpServer(path, FakeQmpServer.GREETING, script);
        client = QmpClient.connect(path, LONG, System::nanoTime);
    }

    @Test
    void negotiatesOutOfBandAndKnowsVersionAndPeer() throws Exception {
        start(line -> OK);
        assertThat(server.received.take()).contains("\"enable\":[\"oob\"]");
        assertThat(client.version()).isEqualTo("7.2.1");
        assertThat(client.outOfBand()).isTrue();
        assertThat(client.peer().pid()).isEqualTo(ProcessHandle.current().pid());
    }

    @Test
    void sendsCommandsTogetherAndAnswersEachByItsOwn() throws Exception {
        start(line -> line.contains("bad")
                ? List.of("{\"error\":{\"class\":\"GenericError\",\"desc\":\"no such thing\"},\"id\":ID}")
                : List.of(STOP, "{\"return\":{\"n\":ID},\"id\":ID}"));
        List<QmpFuture> replies =
                client.send(QmpCommand.of("first"), QmpCommand.of("bad", Map.of("a", 1)), QmpCommand.of("last"));
        QmpReply first = replies.get(0).await(LONG);
        QmpReply last = replies.get(2).await(LONG);
        assertThat(last.value().path("n").asLong())
                .isEqualTo(first.value().path("n").asLong() + 2);
        assertThat(last.sequence()).isGreaterThan(first.sequence());
        QmpException error =
                catchThrowableOfType(QmpException.class, () -> replies.get(1).await(LONG));
        assertThat(error.kind()).isEqualTo(QmpException.Kind.REJECTED);
        assertThat(error.says("no such thing")).isTrue();
        assertThat(error).hasMessageContaining("refused 'bad': no such thing (GenericError)");
    }

    @Test
    void anEventIsSeenByWhoSubscribedBeforeTheCommand() throws Exception {
        start(line -> List.of(STOP, "{\"return\":{},\"id\":ID}"));
        try (QmpEvents events = client.subscribe("STOP")) {
            client.execute("stop", LONG);
            QmpEvent event = events.await(e -> true, LONG).orElseThrow();
            assertThat(event.timestampMicros()).isEqualTo(5_000_007);
            assertThat(events.await(e -> true, SHORT)).isEmpty();
        }
    }

    @Test
    void aMissingAnswerIsUnknownAndItsLateReplyHarmsNobody() throws Exception {
        start(line -> line.contains("slow") ? List.of() : OK);
        QmpException error = catchThrowableOfType(QmpException.class, () -> client.execute("slow", SHORT));
        assertThat(error.kind()).isEqualTo(QmpException.Kind.TIMED_OUT);
        assertThat(error).hasMessageContaining("may still take effect");
        server.push("{\"return\":{},\"id\":2}");
        client.execute("query-status", LONG);
        assertThat(client.isOpen()).isTrue();
    }

    @Test
    void refusesMoreWhenTooManyCommandsAreUnanswered() throws Exception {
        start(line -> List.of());
        for (int i = 0; i < QmpClient.MAX_UNANSWERED; i++) {
            client.send(QmpCommand.of("x"));
        }
        assertThatThrownBy(() -> client.send(QmpCommand.of("x"))).hasMessageContaining("64 commands are unanswered");
    }

    @Test
    void aClosedConnectionFailsWhatWaitsAndWhatComesLater() throws Exception {
        start(line -> List.of());
        QmpFuture pending = client.send(QmpCommand.of("x")).get(0);
        QmpEvents events = client.subscribe("STOP");
        server.close();
        QmpException error = catchThrowableOfType(QmpException.class, () -> pending.await(LONG));
        assertThat(error.kind()).isEqualTo(QmpException.Kind.CLOSED);
        assertThatThrownBy(() -> client.send(QmpCommand.of("y")))
                .hasMessageContaining("the outcome of 'y' is not known");
        assertThatThrownBy(() -> events.await(e -> true, LONG)).isInstanceOf(QmpException.class);
        assertThatThrownBy(() -> client.subscribe("STOP").await(e -> true, LONG))
                .isInstanceOf(QmpException.class);
    }

    @Test
    void aMalformedLineClosesTheConnectionWithItsReason() throws Exception {
        start(line -> List.of("{not json"));
        assertThatThrownBy(() -> client.execute("x", LONG)).hasMessageContaining("not JSON");
        assertThat(client.isOpen()).isFalse();
    }

    @Test
    void anOversizeLineClosesTheConnectionWithItsReason() throws Exception {
        start(line -> List.of("{\"return\":\"" + "x".repeat(17 << 20) + "\",\"id\":ID}"));
        assertThatThrownBy(() -> client.execute("x", LONG)).hasMessageContaining("longer than");
        assertThat(client.isOpen()).isFalse();
    }

    @Test
    void anErrorWithoutIdClosesTheConnection() throws Exception {
        start(line -> List.of("{\"error\":{\"class\":\"GenericError\",\"desc\":\"JSON parse error\"}}"));
        assertThatThrownBy(() -> client.execute("x", LONG)).hasMessageContaining("neither an event nor a reply");
    }

    @Test
    void noGreetingIsAnErrorInTime() throws Exception {
        server = new FakeQmpServer(path, "", line -> OK);
        assertThatThrownBy(() -> QmpClient.connect(path, SHORT, System::nanoTime))
                .isInstanceOf(QmpException.class)
                .hasMessageContaining("another client holds this QMP socket");
    }

    @Test
    void aForeignServerIsRecognised() throws Exception {
        server = new FakeQmpServer(path, "SSH-2.0-OpenSSH", line -> OK);
        assertThatThrownBy(() -> QmpClient.connect(path, LONG, System::nanoTime))
                .hasMessageContaining("is no QMP socket");
    }

    @Test
    void aFloodOfEventsIsBoundedAndConfessed() throws Exception {
        start(line -> OK);
        QmpEvents events = client.subscribe("STOP");
        for (int i = 0; i <= QmpEvents.CAPACITY; i++) {
            server.push(STOP);
        }
        Awaitility.await().atMost(LONG).until(events::overflowed);
        assertThat(events.takeAll()).hasSize(QmpEvents.CAPACITY);
        assertThatThrownBy(() -> events.await(e -> true, LONG)).hasMessageContaining("more events than");
    }
}
