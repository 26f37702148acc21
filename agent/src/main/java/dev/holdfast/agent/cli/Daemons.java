package dev.holdfast.agent.cli;

import java.nio.file.Path;
import java.util.List;

/** The commands that stay: supplied by the composition root, so that the command line does not load them. */
public interface Daemons {

    /**
     * Runs the agent until it is told to end.
     *
     * @param configuration {@code holdfast.toml}
     * @return exit code
     */
    int agent(Path configuration) throws Exception;

    /**
     * Runs a ZooKeeper server until it is told to end.
     *
     * @return exit code
     */
    int zookeeper(ZooKeeperOptions options) throws Exception;

    /**
     * Goes through what the product does, so that the JVM can note what it uses. For {@code holdfast-prime}.
     *
     * @return exit code
     */
    int prime() throws Exception;

    /**
     * What {@code holdfast zookeeper} was asked for.
     *
     * @param configuration {@code holdfast.toml}, which names the credentials
     * @param directory where the server keeps its data
     * @param address where it listens for clients
     * @param port where it listens for clients
     * @param id number of this server in an ensemble, 1 if alone
     * @param servers the ensemble, {@code host:peerPort:electionPort} in the order of the ids; empty if alone
     */
    record ZooKeeperOptions(
            Path configuration, Path directory, String address, int port, int id, List<String> servers) {
        /** Copies the list. */
        public ZooKeeperOptions {
            servers = List.copyOf(servers);
        }
    }
}
