package dev.holdfast.agent.cluster;

import dev.holdfast.coordinator.port.NodeRegistry;
import dev.holdfast.coordinator.protocol.Name;
import java.util.List;
import java.util.Optional;

/** A registry that knows who leads and nothing else. */
public record FixedLeader(Name name) implements NodeRegistry {

    @Override
    public void publish(Node self) {}

    @Override
    public List<Node> nodes() {
        return List.of();
    }

    @Override
    public Optional<Name> leader() {
        return Optional.of(name);
    }
}
