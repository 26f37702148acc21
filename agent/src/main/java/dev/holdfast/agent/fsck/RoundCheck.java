package dev.holdfast.agent.fsck;

import dev.holdfast.coordinator.protocol.Name;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** The rounds of the store against the journals of the nodes: nobody waits for a word that cannot come. */
final class RoundCheck {

    private final World world;
    private final StoreFacts store;
    private final Set<Name> gone;

    /** @param gone nodes of which a person says that they never come back */
    RoundCheck(World world, StoreFacts store, Set<Name> gone) {
        this.world = world;
        this.store = store;
        this.gone = gone;
    }

    List<Finding> findings() {
        List<Finding> findings = new ArrayList<>();
        for (StoreFacts.Round round : store.rounds()) {
            round.waitsFor().stream()
                    .filter(node -> !gone.contains(node) && !world.nodes().containsKey(node))
                    .forEach(node -> findings.add(missing(round, node)));
            gone.stream().filter(round::needs).forEach(node -> findings.add(without(round, node)));
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

    private static Finding missing(StoreFacts.Round round, Name node) {
        return Finding.problem(
                "",
                round.id(),
                "%s waits for node %s, which does not answer".formatted(round.text(), node),
                ("start its agent; if the node never comes back, fence it ('stonith_admin --fence %s', or its power), then"
                                + " 'holdfast fsck --repair --gone %s'; see \"A host that never comes back\" in docs/operations.md")
                        .formatted(node, node));
    }

    private Finding without(StoreFacts.Round round, Name node) {
        Optional<WithoutNode.Obstacle> obstacle = new WithoutNode(world, gone).obstacle(round);
        String text = "%s waits for node %s, which is said to be gone".formatted(round.text(), node);
        if (obstacle.isPresent()) {
            return Finding.problem(
                    "",
                    round.id(),
                    text + "; it cannot be closed without it: " + obstacle.get().why(),
                    obstacle.get().remedy());
        }
        return new Finding(
                "",
                round.id(),
                Finding.Kind.PROBLEM,
                text
                        + "; it was %s, all other members have made that true, and nothing of it is left in a chain that can be seen"
                                .formatted(round.committed().orElseThrow() ? "committed" : "aborted"),
                ("only if it never comes back: a host that was merely cut off may still run its machines, and is not gone;"
                                + " fence it first ('stonith_admin --fence %s', or its power)")
                        .formatted(node),
                world.nodes().keySet().stream()
                        .findFirst()
                        .map(asked -> new Repair(asked, node, Repair.Act.ACKNOWLEDGE, round.id())));
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
