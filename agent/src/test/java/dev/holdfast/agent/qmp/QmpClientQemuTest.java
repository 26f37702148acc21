package dev.holdfast.agent.qmp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The same client against a real QEMU. */
@Tag("qemu")
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class QmpClientQemuTest {
    private static final Duration LONG = Duration.ofSeconds(30);

    @TempDir
    private Path directory;

    private Process qemu;
    private Path path;
    private QmpClient client;

    @BeforeEach
    void start() throws Exception {
        path = directory.resolve("q");
        qemu = new ProcessBuilder(
                        "qemu-system-x86_64",
                        "-nodefaults",
                        "-machine",
                        "pc-q35-7.2,accel=tcg",
                        "-m",
                        "32",
                        "-display",
                        "none",
                        "-qmp",
                        "unix:" + path + ",server=on,wait=off")
                .inheritIO()
                .start();
        Awaitility.await().pollInterval(Duration.ofMillis(10)).until(() -> Files.exists(path));
        client = QmpClient.connect(path, LONG, System::nanoTime);
    }

    @AfterEach
    void end() throws Exception {
        client.close();
        qemu.destroyForcibly().waitFor(1, TimeUnit.MINUTES);
    }

    private void signal(String name) throws Exception {
        new ProcessBuilder("kill", "-" + name, Long.toString(qemu.pid()))
                .start()
                .waitFor();
    }

    @Test
    void statusAndOrderGoTogetherAndTheEventComesAfterTheAnswer() throws Exception {
        client.execute("stop", LONG);
        try (QmpEvents events = client.subscribe("RESUME")) {
            List<QmpFuture> replies = client.send(QmpCommand.of("query-status"), QmpCommand.of("cont"));
            QmpReply status = replies.get(0).await(LONG);
            replies.get(1).await(LONG);
            assertThat(status.value().path("status").asText()).isEqualTo("paused");
            QmpEvent resume = events.await(e -> true, LONG).orElseThrow();
            assertThat(resume.sequence()).isGreaterThan(status.sequence());
        }
    }

    @Test
    void theWholeSchemaIsOneLineAndFits() throws Exception {
        assertThat(client.execute("query-qmp-schema", LONG).size()).isGreaterThan(500);
        assertThat(client.version()).isNotBlank();
        assertThat(client.peer().pid()).isEqualTo(qemu.pid());
    }

    @Test
    void theErrorOfQemuIsTold() {
        QmpException error = catchThrowableOfType(
                QmpException.class, () -> client.execute("blockdev-del", Map.of("node-name", "no"), LONG));
        assertThat(error.kind()).isEqualTo(QmpException.Kind.REJECTED);
        assertThat(error.description()).contains("no");
    }

    @Test
    void aSecondClientOfTheSameSocketIsToldWhy() {
        assertThatThrownBy(() -> QmpClient.connect(path, Duration.ofMillis(200), System::nanoTime))
                .hasMessageContaining("another client holds this QMP socket");
    }

    @Test
    void aStoppedQemuBlocksNobodyLongerThanTheDeadline() throws Exception {
        signal("STOP");
        long before = System.nanoTime();
        QmpException error =
                catchThrowableOfType(QmpException.class, () -> client.execute("query-status", Duration.ofMillis(200)));
        assertThat(error.kind()).isEqualTo(QmpException.Kind.TIMED_OUT);
        assertThat(Duration.ofNanos(System.nanoTime() - before))
                .isBetween(Duration.ofMillis(190), Duration.ofSeconds(1));
        assertThat(client.isStalled()).isTrue();
        signal("CONT");
        client.execute("query-status", LONG);
        assertThat(client.isStalled()).isFalse();
    }

    @Test
    void aKilledQemuEndsTheConnection() throws Exception {
        QmpEvents events = client.subscribe("STOP");
        signal("KILL");
        assertThatThrownBy(() -> events.await(e -> true, LONG)).isInstanceOf(QmpException.class);
        assertThat(client.isOpen()).isFalse();
    }

    @Test
    void anOutOfBandCommandIsAccepted() throws Exception {
        QmpCommand query = new QmpCommand("query-yank", Map.of(), true);
        client.send(query).get(0).await(LONG);
    }
}
