package dev.holdfast.agent.fsck;

import dev.holdfast.coordinator.protocol.Name;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
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
        return findings(Set.of());
    }

    /**
     * The same, and decided rounds that wait only for nodes which never come back.
     *
     * @param gone of which a person says so
     */
    public List<Finding> findings(Set<Name> gone) {
        Stream<Finding> unseen = silent.entrySet().stream()
                .map(node -> Finding.unseen(
                        node.getKey().value(),
                        node.getKey().value(),
                        "this node was not looked at: " + node.getValue(),
                        "run fsck again when its agent answers"));
        Stream<Finding> perNode =
                nodes.values().stream().flatMap(node -> new NodeCheck(node, store, gone).findings().stream());
        Stream<Finding> perCluster = store.isEmpty()
                ? Stream.of(Finding.unseen(
                        "",
                        "store",
                        "the catalogue was not looked at: " + storeSilent,
                        "what needs its word is not repaired; run fsck again when it answers"))
                : Stream.concat(
                        new CatalogueCheck(this, store.get()).findings().stream(),
                        new RoundCheck(this, store.get(), gone).findings().stream());
        Stream<Finding> away = away().filter(node -> !gone.contains(node))
                .map(node -> Finding.unseen(
                        node.value(),
                        node.value(),
                        "this node was not looked at: it is away, and was there once",
                        "start its agent, and run fsck again; if it never comes back, 'holdfast cluster forget %s'"
                                .formatted(node)));
        return Stream.of(unseen, away, perNode, perCluster, twice().stream())
                .flatMap(each -> each)
                .distinct()
                .sorted((one, other) -> Integer.compare(rank(one), rank(other)))
                .toList();
    }

    /** Nodes that were there once, and of which the store knows no more than that. */
    private Stream<Name> away() {
        return store.stream()
                .flatMap(known -> known.known().stream())
                .filter(node -> !nodes.containsKey(node) && !silent.containsKey(node));
    }

    /** Why a node is not gone, whatever a person says; empty if nothing speaks against it. */
    public Optional<String> notGone(Name node) {
        if (nodes.containsKey(node)) {
            return Optional.of("node %s is not gone: its agent answers".formatted(node));
        }
        return Optional.ofNullable(silent.get(node))
                .map(because ->
                        ("node %s is not known to be gone: it was there a moment ago, and does not answer (%s); fence it"
                                        + " ('stonith_admin --fence %s', or its power), and wait until 'holdfast cluster status' calls it"
                                        + " OFFLINE")
                                .formatted(node, because, node));
    }

    /** Whether a round that can be read cannot end without a word of this node. False if the store did not answer. */
    public boolean isWaitedFor(Name node) {
        return store.stream().flatMap(known -> known.rounds().stream()).anyMatch(round -> round.needs(node));
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
