package dev.holdfast.agent.fsck;

import dev.holdfast.coordinator.protocol.Name;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The rounds of the store against the journals of the nodes: nobody waits for a word that cannot come. */
final class RoundCheck {

    private final World world;
    private final StoreFacts store;

    RoundCheck(World world, StoreFacts store) {
        this.world = world;
        this.store = store;
    }

    List<Finding> findings() {
        List<Finding> findings = new ArrayList<>();
        for (StoreFacts.Round round : store.rounds()) {
            round.waitsFor().stream()
                    .filter(node -> !world.nodes().containsKey(node))
                    .forEach(node -> findings.add(Finding.problem(
                            "",
                            round.id(),
                            "%s waits for node %s, which does not answer".formatted(round.text(), node),
                            "start its agent; if the node never comes back, see \"A host that never comes back\" in"
                                    + " docs/operations.md")));
        }
        if (store.unreadable().isEmpty()) {
            store.claims().entrySet().stream()
                    .filter(claim -> store.round(claim.getValue()).isEmpty())
                    .forEach(claim -> findings.add(claimed(claim.getKey(), claim.getValue())));
        }
        for (NodeFacts node : world.nodes().values()) {
            node.journal().stream()
                    .filter(entry -> entry.round() && entry.inDoubt() && isForgotten(entry.operation()))
                    .forEach(
                            entry -> findings.add(
                                    Finding.problem(
                                            node.node().value(),
                                            entry.vms().get(0).value(),
                                            "it is bound to %s %s, and the store has no record of that, which says nothing about how it ended"
                                                    .formatted(entry.kind(), entry.operation()),
                                            "if its agent runs, something in a chain waits for the decision: see \"A round that nobody remembers\" in docs/operations.md; if this is not the store the cluster used, give it the right one")));
        }
        return findings;
    }

    private Finding claimed(String claim, String round) {
        boolean bound = !world.silent().isEmpty()
                || world.nodes().values().stream()
                        .anyMatch(node -> !node.unreadableEntries().isEmpty()
                                || node.journal().stream()
                                        .anyMatch(entry -> entry.operation().equals(round)));
        Optional<Repair> repair = bound ? Optional.empty() : free(claim);
        return new Finding(
                "",
                claim,
                Finding.Kind.PROBLEM,
                "it is claimed by round %s, which is not in the store: no other round can have it".formatted(round),
                bound
                        ? "a node may still be bound to that round: run fsck again when all nodes answer and their journals"
                                + " are empty; see \"A host that never comes back\" in docs/operations.md"
                        : "",
                repair);
    }

    private Optional<Repair> free(String claim) {
        try {
            Name whose = new Name(claim.split("@", 2)[0]);
            return world.nodes().keySet().stream()
                    .findFirst()
                    .map(node -> new Repair(node, whose, Repair.Act.FREE, claim));
        } catch (IllegalArgumentException e) {
            return Optional.empty(); // Nothing of ours has such a name.
        }
    }

    private boolean isForgotten(String round) {
        return store.round(round).isEmpty()
                && store.checkpoints().stream()
                        .noneMatch(checkpoint -> checkpoint.round().equals(round));
    }
}
