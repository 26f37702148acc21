package dev.holdfast.agent.fsck;

import dev.holdfast.coordinator.protocol.Name;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Everything that was seen. Immutable.
 *
 * @param nodes the nodes that answered
 * @param silent the nodes that did not, and why
 * @param store what the store says; empty if it did not answer
 * @param storeSilent why it did not; empty if it did
 */
public record World(
        SortedMap<Name, NodeFacts> nodes,
        SortedMap<Name, String> silent,
        Optional<StoreFacts> store,
        String storeSilent) {

    /** Copies the maps. */
    public World {
        nodes = Collections.unmodifiableSortedMap(new TreeMap<>(nodes));
        silent = Collections.unmodifiableSortedMap(new TreeMap<>(silent));
    }

    /** Everything that is wrong, in the order in which it is to be repaired. */
    public List<Finding> findings() {
        return findings(Set.of());
    }

    /**
     * The same.
     *
     * @param named nodes of which a person says that they never come back, nor their disks; one that is here or silent is not gone
     */
    public List<Finding> findings(Set<Name> named) {
        Set<Name> gone = named.stream()
                .filter(node -> !nodes.containsKey(node) && !silent.containsKey(node))
                .collect(Collectors.toSet());
        Stream<Finding> unseen = silent.entrySet().stream()
                .map(node -> Finding.unseen(
                        node.getKey().value(),
                        node.getKey().value(),
                        "this node was not looked at: " + node.getValue(),
                        "run fsck again when its agent answers"));
        Stream<Finding> perNode =
                nodes.values().stream().flatMap(node -> new NodeCheck(node, store).findings().stream());
        Stream<Finding> perCluster = store.isEmpty()
                ? Stream.of(Finding.unseen(
                        "",
                        "store",
                        "the catalogue was not looked at: " + storeSilent,
                        "what needs its word is not repaired; run fsck again when it answers"))
                : Stream.concat(
                        new CatalogueCheck(this, store.get()).findings().stream(),
                        new RoundCheck(this, store.get(), gone).findings().stream());
        return Stream.of(unseen, perNode, perCluster, twice().stream())
                .flatMap(each -> each)
                .distinct()
                .sorted((one, other) -> Integer.compare(rank(one), rank(other)))
                .toList();
    }

    /**
     * Whether anything knows a node: it was asked, a round waits for it, one that is in doubt had it, or it has a part of a checkpoint.
     * Also if the store is silent.
     */
    public boolean speaksOf(Name node) {
        boolean took = nodes.values().stream()
                .flatMap(each -> each.journal().stream())
                .flatMap(entry -> entry.doubt().stream())
                .flatMap(doubt -> doubt.members().stream())
                .anyMatch(member -> member.node().equals(node));
        return took
                || nodes.containsKey(node)
                || silent.containsKey(node)
                || store.isEmpty()
                || store.get().rounds().stream()
                        .anyMatch(round -> round.waitsFor().contains(node))
                || store.get().checkpoints().stream()
                        .flatMap(checkpoint -> checkpoint.parts().stream())
                        .anyMatch(part -> part.node().equals(node));
    }

    private static int rank(Finding finding) {
        return finding.kind() == Finding.Kind.LOST
                ? Repair.Act.values().length + 1
                : finding.repair().map(repair -> repair.act().ordinal()).orElse(-1);
    }

    /** A machine with two processes writes to one disk from two sides. */
    private List<Finding> twice() {
        SortedMap<Name, List<String>> where = new TreeMap<>();
        nodes.forEach((node, facts) -> facts.machines().stream()
                .filter(machine -> machine.hasProcess()
                        && !machine.apart()
                        && machine.busy().isEmpty())
                .forEach(machine -> where.merge(
                        machine.vm(),
                        List.of(node.value()),
                        (one, other) -> Stream.of(one, other)
                                .flatMap(Collection::stream)
                                .toList())));
        return where.entrySet().stream()
                .filter(each -> each.getValue().size() > 1)
                .map(each -> Finding.problem(
                        "",
                        each.getKey().value(),
                        "it has a process on each of the nodes " + String.join(", ", each.getValue())
                                + ", and both may write to its disks",
                        "end all but the right one with 'holdfast vm stop --force' on their nodes, then check the disks with"
                                + " 'holdfast checkpoint verify'"))
                .toList();
    }

    Stream<MachineFacts> machines(Name vm) {
        return nodes.values().stream()
                .flatMap(node -> node.machines().stream())
                .filter(machine -> machine.vm().equals(vm));
    }
}
