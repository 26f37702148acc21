package dev.holdfast.agent.fsck;

import dev.holdfast.agent.fsck.Finding.Kind;
import dev.holdfast.agent.fsck.Repair.Act;
import dev.holdfast.coordinator.protocol.Name;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** The catalogue against the files of all nodes: a checkpoint has all its parts, and a part has its checkpoint. */
final class CatalogueCheck {

    private final World world;
    private final StoreFacts store;
    private final List<Finding> findings = new ArrayList<>();

    CatalogueCheck(World world, StoreFacts store) {
        this.world = world;
        this.store = store;
    }

    List<Finding> findings() {
        store.unreadable().forEach(text -> findings.add(Finding.problem("", "store", text, "see docs/operations.md")));
        store.checkpoints().stream()
                .filter(checkpoint -> !checkpoint.deleting())
                .forEach(checkpoint -> checkpoint.parts().forEach(part -> part(checkpoint, part)));
        world.nodes().values().forEach(this::orphans);
        store.groups().forEach(this::members);
        return findings;
    }

    private void part(StoreFacts.Checkpoint checkpoint, StoreFacts.Part part) {
        List<MachineFacts> machines = world.machines(part.vm()).toList();
        boolean there = machines.stream()
                .flatMap(machine -> machine.chain().stream())
                .flatMap(chain -> chain.parts().stream())
                .anyMatch(found -> found.name().equals(checkpoint.name())
                        && found.operation().equals(checkpoint.round()));
        boolean busy = machines.stream().anyMatch(machine -> machine.busy().isPresent());
        if (there || busy) {
            return; // One that still waits for the decision is for its node to find.
        }
        String subject = checkpoint.text();
        boolean shared = machines.stream().anyMatch(machine -> machine.chain().isPresent() && !machine.apart());
        if (!shared && mayBeElsewhere(part, machines)) {
            findings.add(Finding.unseen(
                    part.node().value(),
                    subject,
                    "whether the part of %s is whole is not known: its chain was not looked at".formatted(part.vm()),
                    "run fsck again when its node answers and its chain can be read"));
            return;
        }
        Optional<Repair> repair =
                keeper(part, checkpoint.name()).map(node -> new Repair(node, part.vm(), Act.RESTORE, subject));
        findings.add(new Finding(
                repair.map(Repair::node).orElse(part.node()).value(),
                subject,
                Kind.PROBLEM,
                "the part of %s is not there: snapshots/%s.json is missing or cannot be read, so that nobody can go back to it"
                        .formatted(part.vm(), checkpoint.name()),
                "restore its files in snapshots/ from a copy or from lost/; if they are gone for good, 'holdfast"
                        + " checkpoint delete %s'".formatted(subject),
                repair));
    }

    /** The node that can write the sidecar anew: where the machine runs, else where it ran, else any that has the chain. */
    private Optional<Name> keeper(StoreFacts.Part part, Name snapshot) {
        List<NodeFacts> able = world.nodes().values().stream()
                .filter(node -> node.machines().stream()
                        .anyMatch(machine -> machine.vm().equals(part.vm())
                                && !machine.apart()
                                && machine.chain()
                                        .filter(chain -> chain.change().isEmpty() && !chain.has(snapshot))
                                        .isPresent()))
                .toList();
        return able.stream()
                .filter(node -> node.machines().stream()
                        .anyMatch(machine -> machine.vm().equals(part.vm()) && machine.hasProcess()))
                .findFirst()
                .or(() -> able.stream()
                        .filter(node -> node.node().equals(part.node()))
                        .findFirst())
                .or(() -> able.stream().findFirst())
                .map(NodeFacts::node);
    }

    /** A node that says nothing may have the part; so may one whose chain cannot be read. */
    private boolean mayBeElsewhere(StoreFacts.Part part, List<MachineFacts> machines) {
        return !world.silent().isEmpty()
                || !world.nodes().containsKey(part.node())
                || machines.stream().anyMatch(machine -> machine.notSeen().isPresent())
                || isUnreadable(part.vm());
    }

    private boolean isUnreadable(Name vm) {
        return world.nodes().values().stream()
                .flatMap(node -> node.unreadable().stream())
                .anyMatch(file -> file.vm().map(vm::equals).orElse(true));
    }

    private void orphans(NodeFacts node) {
        for (MachineFacts machine : node.machines()) {
            if (machine.busy().isPresent()) {
                continue;
            }
            machine.chain().stream()
                    .flatMap(chain -> chain.parts().stream())
                    .filter(part -> !part.pending() && part.group().isPresent())
                    .forEach(part ->
                            orphan(node, machine.vm(), part, part.group().orElseThrow()));
        }
    }

    private void orphan(NodeFacts node, Name vm, ChainFacts.SnapshotPart part, Name group) {
        Optional<StoreFacts.Checkpoint> checkpoint = store.checkpoint(group, part.name());
        boolean underWay = store.round(part.operation()).isPresent()
                || node.journal().stream().anyMatch(entry -> entry.operation().equals(part.operation()));
        if (underWay
                || checkpoint
                        .filter(known -> known.round().equals(part.operation()))
                        .isPresent()) {
            return;
        }
        if (checkpoint.isPresent()) {
            findings.add(Finding.problem(
                    node.node().value(),
                    vm.value(),
                    "snapshots/%s.json is of round %s, and the checkpoint %s of round %s"
                            .formatted(
                                    part.name(),
                                    part.operation(),
                                    checkpoint.get().text(),
                                    checkpoint.get().round()),
                    "one of the two was restored from a copy; 'holdfast checkpoint verify %s' tells whether it is whole"
                            .formatted(checkpoint.get().text())));
            return;
        }
        findings.add(Finding.repairable(
                Kind.PROBLEM,
                "it has a part of %s@%s, and the catalogue has no such checkpoint".formatted(group, part.name()),
                new Repair(node.node(), vm, Act.RELEASE, part.name().value())));
    }

    /** A group with a machine that no node has cannot be checkpointed. */
    private void members(StoreFacts.Group group) {
        if (!world.silent().isEmpty()) {
            return;
        }
        Set<Name> defined = world.nodes().values().stream()
                .flatMap(node -> node.machines().stream())
                .map(MachineFacts::vm)
                .collect(Collectors.toSet());
        group.vms().stream()
                .sorted()
                .filter(vm -> !defined.contains(vm) && !isUnreadable(vm))
                .forEach(vm -> findings.add(Finding.problem(
                        "",
                        group.name().value(),
                        "its machine %s is defined on no node that answers, so that the group cannot be checkpointed"
                                .formatted(vm),
                        "start the agent of its node; if that is gone for good, define it on another, or 'holdfast group remove %s %s'"
                                .formatted(group.name(), vm))));
    }
}
