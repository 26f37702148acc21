package dev.holdfast.coordinator.zookeeper;

import java.nio.file.Path;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * How to run a ZooKeeper server for a first try. Immutable.
 *
 * @param dataDirectory where it keeps its log and snapshots; made if it is not there
 * @param clientAddress where it listens for clients; loopback unless agents on other nodes are to use it
 * @param clientPort 1 to 65535
 * @param id this server's number among {@code servers}, 1 to 255; of no meaning for one server alone
 * @param servers {@code host:port:port} of each server (for followers, for elections), by number; empty for one server
 *     alone
 */
public record EmbeddedSettings(
        Path dataDirectory, String clientAddress, int clientPort, int id, SortedMap<Integer, String> servers) {

    /** Where a single server listens if nobody says otherwise. */
    public static final String LOOPBACK = "127.0.0.1";

    /** The port that ZooKeeper is known for. */
    public static final int USUAL_PORT = 2181;

    private static final Pattern SERVER = Pattern.compile("[A-Za-z0-9._-]+:[0-9]{1,5}:[0-9]{1,5}");
    private static final int LARGEST_PORT = 65_535;
    private static final int LARGEST_ID = 255;

    /** @throws IllegalArgumentException if a value cannot be; the message is meant for the user */
    public EmbeddedSettings {
        if (clientPort < 1 || clientPort > LARGEST_PORT) {
            throw new IllegalArgumentException("the client port must be between 1 and 65535, not " + clientPort);
        }
        if (!servers.isEmpty() && !servers.containsKey(id)) {
            throw new IllegalArgumentException("server %d is not in the list of servers %s".formatted(id, servers));
        }
        if (servers.size() == 2) {
            throw new IllegalArgumentException("two servers stop when either is lost; use one, three or five");
        }
        servers.forEach((number, server) -> {
            if (number < 1 || number > LARGEST_ID || !SERVER.matcher(server).matches()) {
                throw new IllegalArgumentException(
                        "a server is NUMBER=host:port:port with a number from 1 to 255, not %s=%s"
                                .formatted(number, server));
            }
        });
        servers = Collections.unmodifiableSortedMap(new TreeMap<>(servers));
    }

    /** One server alone, for clients on this machine only. */
    public static EmbeddedSettings alone(Path dataDirectory, int clientPort) {
        return new EmbeddedSettings(dataDirectory, LOOPBACK, clientPort, 1, Collections.emptySortedMap());
    }
}
