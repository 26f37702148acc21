package dev.holdfast.agent.fsck;

import dev.holdfast.coordinator.protocol.Name;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
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
                        new RoundCheck(this, store.get()).findings().stream());
        return Stream.of(unseen, perNode, perCluster, twice().stream())
                .flatMap(each -> each)
                .distinct()
                .sorted((one, other) -> Integer.compare(rank(one), rank(other)))
                .toList();
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
