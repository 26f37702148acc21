package dev.holdfast.coordinator.group;

import dev.holdfast.coordinator.protocol.Name;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.jgroups.Address;
import org.jgroups.util.ExtendedUUID;

/**
 * The address of one life of a node: random, and carrying the node's name. So the name of a sender is known from its first
 * message on, without JGroups' cache of names.
 */
final class NodeAddress {

    private static final String NODE = "node";

    private NodeAddress() {}

    static Address of(Name node) {
        return ExtendedUUID.randomUUID(node.value()).put(NODE, node.value().getBytes(StandardCharsets.US_ASCII));
    }

    static Optional<Name> nameOf(Address address) {
        if (!(address instanceof ExtendedUUID life)) {
            return Optional.empty();
        }
        byte[] bytes = life.get(NODE);
        if (bytes == null) {
            return Optional.empty();
        }
        try {
            return Optional.of(new Name(new String(bytes, StandardCharsets.US_ASCII)));
        } catch (IllegalArgumentException notAName) {
            return Optional.empty();
        }
    }
}
