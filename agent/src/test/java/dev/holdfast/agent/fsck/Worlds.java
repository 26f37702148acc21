package dev.holdfast.agent.fsck;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.coordinator.protocol.Name;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

/** What was seen, for tests. */
final class Worlds {

    private Worlds() {}

    /** All nodes have answered, and the store. */
    static World world(StoreFacts store, NodeFacts... nodes) {
        TreeMap<Name, NodeFacts> seen = new TreeMap<>();
        Arrays.stream(nodes).forEach(node -> seen.put(node.node(), node));
        return new World(seen, new TreeMap<>(), Optional.of(store), "");
    }

    /** A node with nothing in its journal. */
    static NodeFacts node(Name name, MachineFacts... machines) {
        return new NodeFacts(name, List.of(machines), List.of(), List.of(), List.of(), List.of());
    }

    /** What is wrong, if that is one thing. */
    static Finding only(World world) {
        return only(world.findings());
    }

    static Finding only(List<Finding> findings) {
        assertThat(findings).hasSize(1);
        return findings.get(0);
    }
}
