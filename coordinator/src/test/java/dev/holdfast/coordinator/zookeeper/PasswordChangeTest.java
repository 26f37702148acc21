package dev.holdfast.coordinator.zookeeper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.walls.BesideOthers;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The password of the store is changed as the manual says, and a node that has only the old one is out. */
@BesideOthers
class PasswordChangeTest {

    private static final Duration BOUND = Duration.ofMinutes(1);
    private static final Name CLUSTER = new Name("lab");
    private static final Credentials OLD = SharedEnsemble.CREDENTIALS;

    private static ZooKeeperStore open(Ensemble ensemble, String node, Credentials as, StoreMemory memory) {
        return SharedEnsemble.open(
                StoreSettings.of(ensemble.connect(), CLUSTER, new Name(node), as, SharedEnsemble.SESSION), memory);
    }

    @Test
    void nodeWithTheOldPasswordIsOutAndTheOthersGoOn(@TempDir Path etc) throws Exception {
        ClientOfTheManual.makeSecrets(etc);
        assertThat(etc.resolve("channel.key")).isNotEmptyFile();
        Credentials changed = Credentials.read(etc.resolve("zookeeper.secret"));
        try (Ensemble ensemble = Ensemble.start(1)) {
            SharedEnsemble.Memory memory = new SharedEnsemble.Memory();
            try (ZooKeeperStore stolen = open(ensemble, "n2", OLD, new SharedEnsemble.Memory())) {
                try (ZooKeeperStore store = open(ensemble, "n1", OLD, memory)) {
                    store.awaitReady(BOUND);
                    store.catalogue().addToGroup(new Name("shop"), new Name("web"));
                }
                assertThat(stolen.catalogue().groups()).hasSize(1);
                assertThat(ClientOfTheManual.changePassword(ensemble.connect(), OLD, changed))
                        .doesNotContainIgnoringCase("exception", "not valid", "permission", "usage", "ACL:");
                assertThatThrownBy(() -> stolen.catalogue().groups())
                        .isInstanceOf(StoreUnreachableException.class)
                        .hasMessageContaining("refuses user \"holdfast\"");
                assertThatThrownBy(() -> stolen.catalogue().addToGroup(new Name("shop"), new Name("db")))
                        .isInstanceOf(StoreUnreachableException.class);
            }
            try (ZooKeeperStore store = open(ensemble, "n1", changed, memory)) {
                store.awaitReady(BOUND);
                assertThat(store.catalogue().groups()).hasSize(1);
                store.catalogue().addToGroup(new Name("shop"), new Name("db"));
            }
        }
    }
}
