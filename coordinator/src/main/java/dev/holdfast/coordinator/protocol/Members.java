package dev.holdfast.coordinator.protocol;

import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Which virtual machines take part in a round, by the node that runs them. Fixed when the round is opened. Immutable.
 *
 * @param byNode at least one node, each with at least one machine; no machine on two nodes
 */
public record Members(SortedMap<Name, SortedSet<Name>> byNode) {

    /** @throws IllegalArgumentException if there is no member, or a machine is named twice */
    public Members {
        if (byNode.isEmpty()) {
            throw new IllegalArgumentException("a round needs at least one member");
        }
        SortedMap<Name, SortedSet<Name>> copy = new TreeMap<>();
        SortedSet<Name> seen = new TreeSet<>();
        for (Map.Entry<Name, SortedSet<Name>> entry : byNode.entrySet()) {
            if (entry.getValue().isEmpty()) {
                throw new IllegalArgumentException("node " + entry.getKey() + " has no member of the round");
            }
            for (Name vm : entry.getValue()) {
                if (!seen.add(vm)) {
                    throw new IllegalArgumentException("the machine " + vm + " is named on two nodes");
                }
            }
            copy.put(entry.getKey(), Collections.unmodifiableSortedSet(new TreeSet<>(entry.getValue())));
        }
        byNode = Collections.unmodifiableSortedMap(copy);
    }

    /** The nodes, in order. */
    public SortedSet<Name> nodes() {
        return Collections.unmodifiableSortedSet(new TreeSet<>(byNode.keySet()));
    }

    /** All machines, in order. */
    public SortedSet<Name> vms() {
        SortedSet<Name> all = new TreeSet<>();
        byNode.values().forEach(all::addAll);
        return Collections.unmodifiableSortedSet(all);
    }

    /** The machines on one node; empty if the node is no member. */
    public SortedSet<Name> on(Name node) {
        return byNode.getOrDefault(node, Collections.emptySortedSet());
    }
}
