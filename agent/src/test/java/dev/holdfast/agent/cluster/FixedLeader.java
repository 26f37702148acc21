package dev.holdfast.agent.cluster;

import dev.holdfast.coordinator.port.NodeRegistry;
import dev.holdfast.coordinator.protocol.Name;
import java.util.List;
import java.util.Optional;

/** A registry that knows who leads, and which nodes are up. */
public record FixedLeader(Name name, List<Node> nodes) implements NodeRegistry {

    /** Knows who leads and nothing else. */
    public FixedLeader(Name name) {
        this(name, List.of());
    }

    @Override
    public void publish(Node self) {}

    @Override
    public Optional<Name> leader() {
        return Optional.of(name);
    }
}
