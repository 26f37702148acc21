package dev.holdfast.agent.hypervisor.uml;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.unix.DatagramStandIn;
import java.io.IOException;
import java.net.ProtocolException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class MconsoleTest {
    private static final Duration LONG = Duration.ofSeconds(10);
    private static final Duration SHORT = Duration.ofMillis(60);

    @TempDir
    private Path directory;

    private StandInConsole kernel;
    private Mconsole console;

    @BeforeEach
    void open() throws IOException {
        Path path = directory.resolve("mconsole");
        kernel = new StandInConsole(path);
        console = new Mconsole(path, DatagramStandIn::word, System::nanoTime);
    }

    @AfterEach
    void close() throws Exception {
        kernel.close();
    }

    /** struct mconsole_request of arch/um/drivers/mconsole.h */
    @Test
    void aRequestIsWhatTheKernelReads() throws Exception {
        kernel.answers(StandInConsole.piece(0, 0, "stopped"));
        Mconsole.Answer answer = console.ask("stop", LONG);
        assertThat(answer.isDone()).isTrue();
        assertThat(answer.text()).isEqualTo("stopped");
        byte[] request = kernel.requests.take();
        assertThat(request).hasSize(524);
        ByteBuffer fields = ByteBuffer.wrap(request).order(ByteOrder.nativeOrder());
        assertThat(fields.getInt()).isEqualTo(0xcafebabe);
        assertThat(fields.getInt()).isEqualTo(2);
        assertThat(fields.getInt()).isEqualTo(4);
        assertThat(new String(request, 12, 5, StandardCharsets.ISO_8859_1)).isEqualTo("stop\0");
        assertThatThrownBy(() -> console.ask("x".repeat(512), LONG)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void piecesAreJoined() throws Exception {
        kernel.answers(
                StandInConsole.piece(0, 1, "\n"),
                StandInConsole.piece(0, 1, "4.37 1"),
                StandInConsole.piece(0, 1, ".80\n"),
                StandInConsole.piece(0, 0, ""));
        assertThat(console.ask("proc uptime", LONG).text()).isEqualTo("4.37 1.80");
    }

    @Test
    void aRefusalIsAnAnswer() throws Exception {
        kernel.answers(StandInConsole.piece(-16, 0, "Device is currently open"));
        Mconsole.Answer answer = console.ask("remove ubd0", LONG);
        assertThat(answer.isDone()).isFalse();
        assertThat(answer.error()).isEqualTo(-16);
        assertThat(answer.text()).isEqualTo("Device is currently open");
    }

    @Test
    void silenceHasAnEnd() {
        kernel.answers();
        assertThatThrownBy(() -> console.ask("stop", SHORT))
                .isInstanceOf(SocketTimeoutException.class)
                .hasMessageContaining("mconsole");
    }

    @Test
    void anAnswerWithoutItsEndIsNone() {
        kernel.answers(StandInConsole.piece(0, 1, "the beginning"));
        assertThatThrownBy(() -> console.ask("log", SHORT)).isInstanceOf(SocketTimeoutException.class);
    }

    @Test
    void aLateAnswerIsNotTakenForThatToTheNextRequest() throws Exception {
        kernel.answers(StandInConsole.piece(0, 1, "late"));
        assertThatThrownBy(() -> console.ask("log", SHORT)).isInstanceOf(SocketTimeoutException.class);
        kernel.answers(StandInConsole.piece(1, 0, "Not stopped"));
        assertThat(console.ask("go", LONG)).isEqualTo(new Mconsole.Answer(1, "Not stopped"));
    }

    /** What the driver says to whom it does not know (mconsole_reply_v0), and other things that no kernel sends. */
    @Test
    void anotherVersionAndGarbageAreToldFromAnswers() {
        byte[] whole = StandInConsole.piece(0, 0, "stopped");
        byte[] wrongMore = whole.clone();
        wrongMore[4] = 7;
        byte[] wrongLength = whole.clone();
        wrongLength[8] = 100;
        byte[] words = "ERR Version 0 mconsole clients are not supported by this driver".getBytes();
        for (byte[] garbage : new byte[][] {
            words, new byte[1], new byte[11], wrongMore, wrongLength, Arrays.copyOf(whole, whole.length - 1)
        }) {
            kernel.answers(garbage);
            assertThatThrownBy(() -> console.ask("stop", LONG))
                    .as(Arrays.toString(garbage))
                    .isInstanceOf(ProtocolException.class)
                    .hasMessageContaining("speaks no mconsole of version 2");
        }
        kernel.answers(words);
        assertThatThrownBy(() -> console.ask("stop", LONG)).hasMessageContaining("ERR Version 0 mconsole clients");
    }

    @Test
    void anAnswerThatNeverEndsIsGivenUp() {
        byte[][] endless = new byte[1500][];
        Arrays.fill(endless, StandInConsole.piece(0, 1, "x".repeat(3000)));
        kernel.answers(endless);
        assertThatThrownBy(() -> console.ask("log", LONG))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("has no end");
    }

    @Test
    void aSocketThatIsGoneIsAnErrorAtOnce() throws Exception {
        kernel.close();
        assertThatThrownBy(() -> console.ask("stop", LONG)).isInstanceOf(IOException.class);
        Files.deleteIfExists(console.socket());
        assertThatThrownBy(() -> console.ask("stop", LONG)).isInstanceOf(IOException.class);
    }
}
