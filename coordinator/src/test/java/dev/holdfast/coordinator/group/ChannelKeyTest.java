package dev.holdfast.coordinator.group;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChannelKeyTest {

    @TempDir
    private Path directory;

    private Path file(String content, String permissions) throws IOException {
        Path file = Files.writeString(directory.resolve("channel.key"), content);
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(permissions));
    }

    @Test
    void whiteSpaceAroundTheSecretDoesNotCount() throws IOException {
        ChannelKey read = ChannelKey.read(file(" 0123456789abcdef\r\n", "rw-------"), "lab");
        byte[] salt = new byte[16];
        assertThat(read.forConnection("x", salt, salt, salt))
                .isEqualTo(ChannelKey.of("0123456789abcdef", "lab").forConnection("x", salt, salt, salt));
    }

    @Test
    void fileThatOthersMayReadIsRefused() throws IOException {
        Path file = file("0123456789abcdef", "rw-r-----");
        assertThatThrownBy(() -> ChannelKey.read(file, "lab"))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("chmod 600");
    }

    @Test
    void shortAndHugeSecretsAreRefused() throws IOException {
        for (String secret : new String[] {"", "0123456789abcde", "x".repeat(5_000)}) {
            Path file = file(secret, "rw-------");
            assertThatThrownBy(() -> ChannelKey.read(file, "lab")).hasMessageContaining("/dev/urandom");
        }
    }

    @Test
    void keyIsNotShown() {
        ChannelKey key = ChannelKey.of("0123456789abcdef", "lab");
        assertThat(key).hasToString("ChannelKey[hidden]");
    }

    @Test
    void addressesThatOthersCannotReachAreRefused() throws IOException {
        ChannelKey key = ChannelKey.of("0123456789abcdef", "lab");
        InetAddress any = InetAddress.getByName("0.0.0.0");
        InetAddress one = InetAddress.getByName("127.0.0.1");
        assertThatThrownBy(() -> new ChannelSettings(new Name("n1"), "lab", any, 7800, key))
                .hasMessageContaining("0.0.0.0");
        assertThatThrownBy(() -> new ChannelSettings(new Name("n1"), "lab", one, 65_536, key))
                .hasMessageContaining("65535");
    }
}
