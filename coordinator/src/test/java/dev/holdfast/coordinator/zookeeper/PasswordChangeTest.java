package dev.holdfast.coordinator.zookeeper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.Name;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZooKeeper;
import org.junit.jupiter.api.Test;

/** The password of the store is changed as the manual says, and a node that has only the old one is out. */
class PasswordChangeTest {

    private static final Duration BOUND = Duration.ofSeconds(20);
    private static final Name CLUSTER = new Name("lab");
    private static final Credentials OLD = SharedEnsemble.CREDENTIALS;
    private static final Credentials NEW = new Credentials("holdfast", "another-password");

    private static ZooKeeperStore open(Ensemble ensemble, String node, Credentials as, StoreMemory memory) {
        return SharedEnsemble.open(
                StoreSettings.of(ensemble.connect(), CLUSTER, new Name(node), as, SharedEnsemble.SESSION), memory);
    }

    @Test
    void nodeWithTheOldPasswordIsOutAndTheOthersGoOn() throws Exception {
        try (Ensemble ensemble = Ensemble.start(1)) {
            SharedEnsemble.Memory memory = new SharedEnsemble.Memory();
            try (ZooKeeperStore stolen = open(ensemble, "n2", OLD, new SharedEnsemble.Memory())) {
                try (ZooKeeperStore store = open(ensemble, "n1", OLD, memory)) {
                    store.awaitReady(BOUND);
                    store.catalogue().addToGroup(new Name("shop"), new Name("web"));
                }
                assertThat(stolen.catalogue().groups()).hasSize(1);
                change(ensemble);
                assertThatThrownBy(() -> stolen.catalogue().groups())
                        .isInstanceOf(StoreUnreachableException.class)
                        .hasMessageContaining("refuses user \"holdfast\"");
                assertThatThrownBy(() -> stolen.catalogue().addToGroup(new Name("shop"), new Name("db")))
                        .isInstanceOf(StoreUnreachableException.class);
            }
            try (ZooKeeperStore store = open(ensemble, "n1", NEW, memory)) {
                store.awaitReady(BOUND);
                assertThat(store.catalogue().groups()).hasSize(1);
                store.catalogue().addToGroup(new Name("shop"), new Name("db"));
            }
        }
    }

    private static void change(Ensemble ensemble) throws Exception {
        CountDownLatch connected = new CountDownLatch(1);
        ZooKeeper client = new ZooKeeper(ensemble.connect(), 4000, event -> {
            if (event.getState() == KeeperState.SyncConnected) {
                connected.countDown();
            }
        });
        try {
            assertThat(connected.await(20, TimeUnit.SECONDS)).isTrue();
            client.addAuthInfo("digest", OLD.digest());
            client.addAuthInfo("digest", NEW.digest());
            giveAway(client, Schema.TOP);
            for (String path : Schema.OPEN_BY_DEFAULT) {
                client.setACL(path, NEW.oursAlone(), -1);
            }
        } finally {
            client.close();
        }
    }

    /** As {@code setAcl -R} does. */
    private static void giveAway(ZooKeeper client, String path) throws KeeperException, InterruptedException {
        client.setACL(path, NEW.oursAlone(), -1);
        for (String child : client.getChildren(path, false)) {
            giveAway(client, path + "/" + child);
        }
    }
}
