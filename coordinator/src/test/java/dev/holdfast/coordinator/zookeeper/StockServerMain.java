package dev.holdfast.coordinator.zookeeper;

import org.apache.zookeeper.server.quorum.QuorumPeerMain;

/** ZooKeeper's own main class with a {@code zoo.cfg}; ends with the test. */
public final class StockServerMain {

    private StockServerMain() {}

    public static void main(String[] arguments) {
        EnsembleServerMain.endWithTheParent();
        QuorumPeerMain.main(arguments);
    }
}
