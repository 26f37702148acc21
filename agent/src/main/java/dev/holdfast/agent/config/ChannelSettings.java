package dev.holdfast.agent.config;

import java.nio.file.Path;

/**
 * Table {@code [channel]}: the network between the agents, over which guests are frozen. Immutable.
 *
 * @param bindAddress key {@code bind_address}, default {@code 127.0.0.1}: this node's address on the cluster network. The
 *     default reaches no other node
 * @param port key {@code port}, default {@code 7800}, 1 to 65535: a TCP port; may differ between nodes
 * @param key key {@code key}, default {@code channel.key} beside {@code holdfast.toml}: a file only its owner may read
 *     (mode 0600) with the shared secret, the same on every node
 */
public record ChannelSettings(String bindAddress, int port, Path key) {}
