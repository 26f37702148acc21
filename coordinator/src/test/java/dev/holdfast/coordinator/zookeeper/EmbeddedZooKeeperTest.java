package dev.holdfast.coordinator.zookeeper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.walls.BesideOthers;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@BesideOthers
class EmbeddedZooKeeperTest {

    @Test
    void singleServerKeepsWhatWasWrittenOverAKill() throws Exception {
        try (Ensemble single = Ensemble.start(1)) {
            SharedEnsemble.Memory memory = new SharedEnsemble.Memory();
            StoreSettings settings = SharedEnsemble.settings(single.connect(), new Name("lab"), "n1");
            try (ZooKeeperStore store = SharedEnsemble.open(settings, memory)) {
                store.catalogue().addToGroup(new Name("shop"), new Name("web"));
            }
            single.kill(0);
            single.heal();
            try (ZooKeeperStore store = SharedEnsemble.open(settings, memory)) {
                store.awaitReady(Duration.ofMinutes(1));
                assertThat(store.catalogue().groups()).hasSize(1);
            }
        }
    }

    @Test
    void portInUseIsAnErrorThatSaysWhatToDo(@TempDir Path directory) throws IOException {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName(EmbeddedSettings.LOOPBACK))) {
            EmbeddedSettings settings = EmbeddedSettings.alone(directory, taken.getLocalPort());
            assertThatThrownBy(() -> EmbeddedZooKeeper.run(settings))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("cannot listen on 127.0.0.1:" + taken.getLocalPort())
                    .hasMessageContaining("ss -ltnp");
        }
    }

    @Test
    void directoryOfAnotherServerIsRefused(@TempDir Path directory) throws IOException {
        Files.createDirectories(directory.resolve("data"));
        Files.writeString(directory.resolve("data").resolve("myid"), "2\n");
        TreeMap<Integer, String> servers =
                new TreeMap<>(Map.of(1, "127.0.0.1:1:2", 2, "127.0.0.1:3:4", 3, "127.0.0.1:5:6"));
        EmbeddedSettings settings = new EmbeddedSettings(directory, EmbeddedSettings.LOOPBACK, 2181, 1, servers);
        assertThatThrownBy(() -> EmbeddedZooKeeper.run(settings)).hasMessageContaining("belongs to server 2");
    }

    @Test
    void settingsRefuseWhatCannotWork(@TempDir Path directory) {
        TreeMap<Integer, String> two = new TreeMap<>(Map.of(1, "a:1:2", 2, "b:1:2"));
        assertThatThrownBy(() -> new EmbeddedSettings(directory, "127.0.0.1", 2181, 1, two))
                .hasMessageContaining("use one, three or five");
        assertThatThrownBy(() -> EmbeddedSettings.alone(directory, 0)).hasMessageContaining("between 1 and 65535");
        TreeMap<Integer, String> odd = new TreeMap<>(Map.of(1, "a:1:2", 2, "b:1", 3, "c:1:2"));
        assertThatThrownBy(() -> new EmbeddedSettings(directory, "127.0.0.1", 2181, 1, odd))
                .hasMessageContaining("NUMBER=host:port:port");
        assertThatThrownBy(() -> new EmbeddedSettings(directory, "127.0.0.1", 2181, 9, odd))
                .hasMessageContaining("server 9 is not in the list");
    }
}
