package dev.holdfast.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.control.CommandTable;
import dev.holdfast.agent.control.ControlServer;
import dev.holdfast.agent.control.Limits;
import dev.holdfast.agent.unix.ServiceNotifier;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.newsclub.net.unix.AFUNIXDatagramSocket;
import org.newsclub.net.unix.AFUNIXSocketAddress;

class SignsOfLifeTest {

    private static final int PATIENCE_MILLIS = 60_000;
    private static final int SILENCE_MILLIS = 500;

    @TempDir
    private Path directory;

    @Test
    void tellsThatItLivesAsLongAsTheControlSocketAnswers() throws IOException {
        Path control = directory.resolve("agent.sock");
        try (DatagramSocket manager = manager();
                ControlServer server = ControlServer.start(control, null, new CommandTable(), Limits.DEFAULT);
                SignsOfLife signs = new SignsOfLife(notifier(), control)) {
            signs.start();
            assertThat(received(manager)).isEqualTo("READY=1");
            assertThat(received(manager)).isEqualTo("WATCHDOG=1");
            assertThat(received(manager)).isEqualTo("WATCHDOG=1");
            server.close();
        }
    }

    @Test
    void isSilentWhenTheControlSocketDoesNotAnswer() throws IOException {
        try (DatagramSocket manager = manager();
                SignsOfLife signs = new SignsOfLife(notifier(), directory.resolve("nobody.sock"))) {
            signs.start();
            assertThat(received(manager)).isEqualTo("READY=1");
            manager.setSoTimeout(SILENCE_MILLIS);
            assertThatThrownBy(() -> received(manager)).isInstanceOf(SocketTimeoutException.class);
            signs.close();
            assertThat(received(manager)).isEqualTo("STOPPING=1");
        }
    }

    private ServiceNotifier notifier() throws IOException {
        return ServiceNotifier.of(
                Map.of("NOTIFY_SOCKET", directory.resolve("notify").toString(), "WATCHDOG_USEC", "100000"), 1);
    }

    private DatagramSocket manager() throws IOException {
        AFUNIXDatagramSocket manager = AFUNIXDatagramSocket.newInstance();
        manager.bind(AFUNIXSocketAddress.of(directory.resolve("notify")));
        manager.setSoTimeout(PATIENCE_MILLIS);
        return manager;
    }

    private static String received(DatagramSocket manager) throws IOException {
        DatagramPacket packet = new DatagramPacket(new byte[256], 256);
        manager.receive(packet);
        return new String(packet.getData(), 0, packet.getLength(), StandardCharsets.US_ASCII);
    }
}
