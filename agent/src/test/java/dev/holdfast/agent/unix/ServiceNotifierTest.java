package dev.holdfast.agent.unix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.newsclub.net.unix.AFUNIXDatagramSocket;
import org.newsclub.net.unix.AFUNIXSocketAddress;

class ServiceNotifierTest {

    private static final long SELF = 4711;

    @TempDir
    private Path directory;

    @Test
    void tellsTheManagerAtAPath() throws IOException {
        Path socket = directory.resolve("notify");
        assertToldAt(AFUNIXSocketAddress.of(socket), socket.toString());
    }

    @Test
    void tellsTheManagerAtAnAbstractName() throws IOException {
        String name = "holdfast-test-" + ProcessHandle.current().pid();
        assertToldAt(AFUNIXSocketAddress.inAbstractNamespace(name), "@" + name);
    }

    private static void assertToldAt(AFUNIXSocketAddress address, String variable) throws IOException {
        try (AFUNIXDatagramSocket manager = AFUNIXDatagramSocket.newInstance()) {
            manager.bind(address);
            manager.setSoTimeout(5000);
            ServiceNotifier notifier = ServiceNotifier.of(Map.of("NOTIFY_SOCKET", variable), SELF);
            notifier.ready();
            assertThat(received(manager)).isEqualTo("READY=1");
            notifier.alive();
            assertThat(received(manager)).isEqualTo("WATCHDOG=1");
            notifier.stopping();
            assertThat(received(manager)).isEqualTo("STOPPING=1");
        }
    }

    @Test
    void isSilentWithoutAManager() throws IOException {
        ServiceNotifier notifier = ServiceNotifier.of(Map.of("WATCHDOG_USEC", "1000000"), SELF);
        notifier.ready();
        assertThat(notifier.watchdog()).isEmpty();
    }

    @Test
    void takesTheWatchdogOfItsOwnProcessOnly() throws IOException {
        Map<String, String> own =
                Map.of("NOTIFY_SOCKET", "/run/x", "WATCHDOG_USEC", "30000000", "WATCHDOG_PID", "" + SELF);
        assertThat(ServiceNotifier.of(own, SELF).watchdog()).contains(Duration.ofSeconds(30));
        assertThat(ServiceNotifier.of(own, SELF + 1).watchdog()).isEmpty();
        assertThat(ServiceNotifier.of(Map.of("NOTIFY_SOCKET", "/run/x", "WATCHDOG_USEC", "soon"), SELF)
                        .watchdog())
                .isEmpty();
    }

    @Test
    void refusesAnAddressThatIsNone() {
        assertThatThrownBy(() -> ServiceNotifier.of(Map.of("NOTIFY_SOCKET", "vsock:2:1"), SELF))
                .isInstanceOf(SocketException.class)
                .hasMessageContaining("NOTIFY_SOCKET");
    }

    private static String received(AFUNIXDatagramSocket manager) throws IOException {
        DatagramPacket packet = new DatagramPacket(new byte[256], 256);
        manager.receive(packet);
        return new String(packet.getData(), 0, packet.getLength(), StandardCharsets.US_ASCII);
    }
}
