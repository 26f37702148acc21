package dev.holdfast.agent.cluster;

import dev.holdfast.coordinator.port.NodeRegistry;
import dev.holdfast.coordinator.protocol.Name;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** A registry that knows who leads, and which nodes are up. */
public record FixedLeader(Name name, List<Node> nodes) implements NodeRegistry {

    /** Knows who leads and nothing else. */
    public FixedLeader(Name name) {
        this(name, List.of());
    }

    @Override
    public void publish(Node self) {}

    @Override
    public SortedSet<Name> known() {
        return nodes.stream().map(Node::node).collect(Collectors.toCollection(TreeSet::new));
    }

    @Override
    public boolean forget(Name node) {
        throw new UnsupportedOperationException("nobody forgets nodes here");
    }

    @Override
    public Optional<Name> leader() {
        return Optional.of(name);
    }
}
