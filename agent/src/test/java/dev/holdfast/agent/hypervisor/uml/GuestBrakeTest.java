package dev.holdfast.agent.hypervisor.uml;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.unix.DatagramStandIn;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The socket of a guest's console answers when the test says so. */
@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class GuestBrakeTest {
    private static final Duration LONG = Duration.ofSeconds(10);
    private static final Duration SHORT = Duration.ofMillis(60);

    @TempDir
    private Path directory;

    private DatagramStandIn kernel;
    private GuestBrake brake;

    @BeforeEach
    void open() throws IOException {
        Path path = directory.resolve("mconsole");
        kernel = new DatagramStandIn(path);
        brake = new GuestBrake(new Mconsole(path, DatagramStandIn::word, System::nanoTime), System::nanoTime);
    }

    @AfterEach
    void close() throws IOException {
        brake.close();
        kernel.close();
    }

    @FunctionalInterface
    private interface Order {
        Mconsole.Answer give() throws IOException;
    }

    private static CompletableFuture<Mconsole.Answer> meanwhile(Order order) {
        CompletableFuture<Mconsole.Answer> answer = new CompletableFuture<>();
        Thread thread = new Thread(
                () -> {
                    try {
                        answer.complete(order.give());
                    } catch (IOException e) {
                        answer.completeExceptionally(e);
                    }
                },
                "order");
        thread.setDaemon(true);
        thread.start();
        return answer;
    }

    private DatagramStandIn.Request request(String command) throws IOException {
        DatagramStandIn.Request request = kernel.receive();
        assertThat(new String(request.bytes(), 12, command.length() + 1, StandardCharsets.ISO_8859_1))
                .isEqualTo(command + "\0");
        return request;
    }

    private void answer(DatagramStandIn.Request request, int error, String text) throws IOException {
        kernel.send(StandInConsole.piece(error, 0, text), request.from());
    }

    @Test
    void aGuestIsSaidToRunOnlyWhenItsLateStopIsUndone() throws Exception {
        assertThatThrownBy(() -> brake.stop(SHORT)).isInstanceOf(SocketTimeoutException.class);
        DatagramStandIn.Request stop = request("stop");
        // The kernel would answer "Not stopped" now, and stop later.
        assertThatThrownBy(() -> brake.letRun(SHORT)).isInstanceOf(SocketTimeoutException.class);
        assertThatThrownBy(() -> brake.letRun(SHORT)).isInstanceOf(SocketTimeoutException.class);
        CompletableFuture<Mconsole.Answer> running = meanwhile(() -> brake.letRun(LONG));
        assertThat(running).isNotDone();
        answer(stop, 0, "stopped");
        answer(request("go"), 0, "");
        assertThat(running.get(10, TimeUnit.SECONDS).isDone()).isTrue();
        assertNothingIsRemembered();
    }

    private void assertNothingIsRemembered() throws Exception {
        CompletableFuture<Mconsole.Answer> again = meanwhile(() -> brake.letRun(LONG));
        answer(request("go"), 1, "Not stopped");
        assertThat(again.get(10, TimeUnit.SECONDS)).isEqualTo(new Mconsole.Answer(1, "Not stopped"));
    }

    @Test
    void whoeverStopsAgainHearsTheAnswerToTheFirstOrder() throws Exception {
        assertThatThrownBy(() -> brake.stop(SHORT)).isInstanceOf(SocketTimeoutException.class);
        answer(request("stop"), 0, "stopped");
        assertThat(brake.stop(LONG)).isEqualTo(new Mconsole.Answer(0, "stopped"));
        assertNothingIsRemembered();
    }

    @Test
    void anAnswerOfAStrangerIsNotWaitedForAgain() throws Exception {
        CompletableFuture<Mconsole.Answer> stopping = meanwhile(() -> brake.stop(LONG));
        kernel.send("ERR".getBytes(StandardCharsets.US_ASCII), request("stop").from());
        assertThatThrownBy(() -> stopping.get(10, TimeUnit.SECONDS)).hasMessageContaining("speaks no mconsole");
        assertNothingIsRemembered();
    }

    @Test
    void anOrderDoesNotWaitForThatOfAnotherThreadForEver() throws Exception {
        CompletableFuture<Mconsole.Answer> stopping = meanwhile(() -> brake.stop(LONG));
        DatagramStandIn.Request stop = request("stop");
        assertThatThrownBy(() -> brake.letRun(SHORT))
                .isInstanceOf(SocketTimeoutException.class)
                .hasMessageContaining("was not answered within 60 ms");
        answer(stop, 0, "stopped");
        assertThat(stopping.get(10, TimeUnit.SECONDS).isDone()).isTrue();
    }
}
