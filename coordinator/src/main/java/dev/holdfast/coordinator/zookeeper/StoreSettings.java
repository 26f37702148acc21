package dev.holdfast.coordinator.zookeeper;

import dev.holdfast.coordinator.protocol.Name;
import java.time.Duration;
import java.util.Optional;

/**
 * How to reach the store. Immutable.
 *
 * @param connect {@code host:port,host:port,...}; no path behind it
 * @param cluster the cluster's name
 * @param node this node's name
 * @param credentials who this cluster is to the store; the same on all nodes
 * @param sessionTimeout 2 s to 5 min; after so long without contact the store forgets this node. Too short: a busy machine
 *     loses office; too long: a dead leader is replaced late
 * @param operationTimeout the longest that one call waits for the store before it reports it unreachable
 * @param lockRoot whether to close {@code /} and {@code /zookeeper} to everybody else; leave it on unless other
 *     applications share the ensemble and its administrator has closed {@code /zookeeper/quota}
 * @param tls how to speak TLS; none to speak in the clear
 */
public record StoreSettings(
        String connect,
        Name cluster,
        Name node,
        Credentials credentials,
        Duration sessionTimeout,
        Duration operationTimeout,
        boolean lockRoot,
        Optional<StoreTls> tls) {

    private static final Duration SHORTEST = Duration.ofSeconds(2);
    private static final Duration USUAL_OPERATION = Duration.ofSeconds(10);
    private static final Duration LONGEST = Duration.ofMinutes(5);

    /** @throws IllegalArgumentException if a value cannot be; the message is meant for the user */
    public StoreSettings {
        if (connect.isBlank()) {
            throw new IllegalArgumentException("zookeeper.connect is empty; write host:port of each server");
        }
        if (connect.contains("/")) {
            throw new IllegalArgumentException("zookeeper.connect must not have a path (\"" + connect
                    + "\"); clusters are told apart by their name");
        }
        if (sessionTimeout.compareTo(SHORTEST) < 0 || sessionTimeout.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException("zookeeper.session_timeout must be between 2 s and 5 min, not "
                    + sessionTimeout.toMillis() + " ms");
        }
        if (operationTimeout.isNegative() || operationTimeout.isZero()) {
            throw new IllegalArgumentException("the store's operation time-out must be positive");
        }
    }

    /** The same, but the root of the ensemble is left as it is. */
    public StoreSettings leavingRoot() {
        return new StoreSettings(connect, cluster, node, credentials, sessionTimeout, operationTimeout, false, tls);
    }

    /** The same, by TLS. */
    public StoreSettings with(StoreTls how) {
        return new StoreSettings(
                connect, cluster, node, credentials, sessionTimeout, operationTimeout, lockRoot, Optional.of(how));
    }

    /** The usual settings: a call waits as long as the session lasts, 10 s at most, and the root is closed. */
    public static StoreSettings of(
            String connect, Name cluster, Name node, Credentials credentials, Duration sessionTimeout) {
        Duration operation = sessionTimeout.compareTo(USUAL_OPERATION) < 0 ? sessionTimeout : USUAL_OPERATION;
        return new StoreSettings(
                connect, cluster, node, credentials, sessionTimeout, operation, true, Optional.empty());
    }
}
