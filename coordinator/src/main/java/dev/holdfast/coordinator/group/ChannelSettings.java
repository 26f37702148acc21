package dev.holdfast.coordinator.group;

import dev.holdfast.coordinator.protocol.Name;
import java.net.InetAddress;

/**
 * What a node's channel needs to know. Immutable.
 *
 * @param node this node
 * @param cluster its cluster; nodes of other clusters are not heard
 * @param bindAddress the one address it listens on; must be reachable from the other nodes, so never a wildcard
 * @param port TCP port, 1 to 65535
 * @param key the shared key
 */
public record ChannelSettings(Name node, String cluster, InetAddress bindAddress, int port, ChannelKey key) {

    private static final int LAST_PORT = 65_535;

    /** @throws IllegalArgumentException if others could not reach the address, or the port is out of range */
    public ChannelSettings {
        if (bindAddress.isAnyLocalAddress() || bindAddress.isMulticastAddress()) {
            throw new IllegalArgumentException(
                    "the group channel cannot listen on %s: give the address by which other nodes reach this one"
                            .formatted(bindAddress.getHostAddress()));
        }
        if (port < 1 || port > LAST_PORT) {
            throw new IllegalArgumentException(
                    "the port of the group channel must be between 1 and %d: %d".formatted(LAST_PORT, port));
        }
    }
}
