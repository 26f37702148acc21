package dev.holdfast.agent.fsck;

import dev.holdfast.coordinator.protocol.Name;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Whether a round can be closed without nodes of which a person says that they never come back. Then its record goes, which is all that
 * tells anybody how it ended: so it has to be decided, and nothing of it may wait for that in a chain which another node has too.
 */
final class WithoutNode {

    private static final String AGAIN = "; then run fsck again";

    private final World world;
    private final Set<Name> gone;

    WithoutNode(World world, Set<Name> gone) {
        this.world = world;
        this.gone = gone;
    }

    /** Why not, and what a person does about it. */
    record Obstacle(String why, String remedy) {}

    Optional<Obstacle> obstacle(StoreFacts.Round round) {
        return there(round)
                .or(() -> undecided(round))
                .or(() -> owed(round))
                .or(this::silent)
                .or(() -> left(round))
                .or(() -> unseen(round))
                .or(() -> perhapsNotReverted(round));
    }

    private Optional<Obstacle> there(StoreFacts.Round round) {
        return gone.stream()
                .filter(round::needs)
                .flatMap(node -> world.notGone(node).stream())
                .findFirst()
                .map(why -> new Obstacle(why, "let it end its round by itself"));
    }

    private static Optional<Obstacle> undecided(StoreFacts.Round round) {
        return round.committed().isPresent()
                ? Optional.empty()
                : Optional.of(new Obstacle(
                        "it is not decided yet",
                        "it ends by itself when a member has taken too long, or by 'holdfast checkpoint abort' with its group"
                                + AGAIN));
    }

    private Optional<Obstacle> owed(StoreFacts.Round round) {
        return round.waitsFor().stream()
                .filter(node -> !gone.contains(node))
                .findFirst()
                .map(node -> new Obstacle(
                        "node %s has still to make the decision true".formatted(node),
                        "start its agent, and wait for it; if that node is gone for good too, name both (--gone NODE,NODE)"
                                + AGAIN));
    }

    private Optional<Obstacle> silent() {
        return world.silent().entrySet().stream()
                .findFirst()
                .map(node -> new Obstacle(
                        "node %s was not looked at, so nobody knows what waits there: %s"
                                .formatted(node.getKey(), node.getValue()),
                        "see to it that its agent answers" + AGAIN));
    }

    private Optional<Obstacle> left(StoreFacts.Round round) {
        for (NodeFacts node : world.nodes().values()) {
            for (MachineFacts machine : node.machines()) {
                if (machine.chain().filter(chain -> isLeftIn(chain, round)).isPresent()) {
                    return Optional.of(new Obstacle(
                            "a part of it waits for the decision in the chain of %s, which %s sees"
                                    .formatted(machine.vm(), node.node()),
                            "'holdfast fsck --repair' brings it to its end" + AGAIN));
                }
            }
        }
        return Optional.empty();
    }

    private static boolean isLeftIn(ChainFacts chain, StoreFacts.Round round) {
        return chain.change()
                        .filter(change -> change.operation().equals(round.id()))
                        .isPresent()
                || chain.parts().stream()
                        .anyMatch(part -> part.pending() && part.operation().equals(round.id()));
    }

    /** What was not seen may be where something of it waits. */
    private Optional<Obstacle> unseen(StoreFacts.Round round) {
        return round.vms().stream()
                .flatMap(vm -> world.nodes().values().stream()
                        .flatMap(node -> unseen(node, vm).stream())
                        .findFirst()
                        .or(() -> elsewhere(vm))
                        .stream())
                .findFirst()
                .map(why -> new Obstacle(why, "put that right, or wait until it is over" + AGAIN));
    }

    private static Optional<String> unseen(NodeFacts node, Name vm) {
        if (node.undefined().contains(vm)) {
            return Optional.of("%s runs on %s and has no definition there".formatted(vm, node.node()));
        }
        Optional<String> unreadable = node.unreadable().stream()
                .filter(file -> file.vm().map(vm::equals).orElse(true))
                .map(file -> "a definition on %s, which may be of a machine of the round, cannot be read: %s"
                        .formatted(node.node(), file.because()))
                .findFirst();
        return unreadable.or(() -> node.machines().stream()
                .filter(machine -> machine.vm().equals(vm) && !machine.apart())
                .flatMap(machine -> unseen(machine).stream())
                .findFirst()
                .map(because -> "the chain of %s was not looked at on %s: %s".formatted(vm, node.node(), because)));
    }

    private static Optional<String> unseen(MachineFacts machine) {
        return machine.busy()
                .or(() -> machine.notSeen().filter(not -> !not.elsewhere()).map(MachineFacts.NotSeen::because))
                .or(() -> machine.chain()
                        .flatMap(chain -> chain.problems().stream().findFirst()));
    }

    /** Each node leaves the chain to the one that runs the machine, and that one has not answered. */
    private Optional<String> elsewhere(Name vm) {
        List<MachineFacts> shared =
                world.machines(vm).filter(machine -> !machine.apart()).toList();
        return shared.stream().anyMatch(machine -> machine.notSeen().isEmpty())
                ? Optional.empty()
                : shared.stream()
                        .flatMap(machine -> machine.notSeen().stream())
                        .findFirst()
                        .map(not -> "the chain of %s was looked at by no node: %s".formatted(vm, not.because()));
    }

    /** Its files may be on the old timeline, while those of all others are on the new one. */
    private Optional<Obstacle> perhapsNotReverted(StoreFacts.Round round) {
        if (!round.revert() || !round.committed().orElse(false)) {
            return Optional.empty();
        }
        return round.waitsFor().stream()
                .flatMap(node -> round.members().getOrDefault(node, Set.of()).stream()
                        .sorted()
                        .filter(vm -> world.machines(vm).findAny().isEmpty())
                        .map(vm -> new Obstacle(
                                "%s was on %s, and no node that answers has a definition of it: nobody can tell whether its disks were reverted like the others"
                                        .formatted(vm, node),
                                "define it on a node that sees its disks; if they were lost with %s, with those that it is to have from now on"
                                                .formatted(node)
                                        + AGAIN)))
                .findFirst();
    }
}
