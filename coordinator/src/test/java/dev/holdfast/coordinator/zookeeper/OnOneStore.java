package dev.holdfast.coordinator.zookeeper;

import dev.holdfast.coordinator.port.DecisionLog;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.Name;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** Tests of the log of decisions: each on a cluster of its own in the ensemble that all share. */
abstract class OnOneStore {
    static final Epoch REIGN = new Epoch(0);
    static final Name N1 = new Name("n1");
    static final Name N2 = new Name("n2");

    final Name cluster = SharedEnsemble.cluster();
    final ZooKeeperStore store = SharedEnsemble.open(cluster, "n1");
    final DecisionLog log = store.decisions();

    @BeforeEach
    void connect() throws StoreUnreachableException {
        store.awaitReady(Duration.ofMinutes(1));
    }

    @AfterEach
    void disconnect() {
        store.close();
    }
}
