package dev.holdfast.agent.fsck;

import dev.holdfast.agent.fsck.NodeFacts.Entry;
import dev.holdfast.agent.fsck.NodeFacts.Member;
import dev.holdfast.agent.fsck.Repair.Act;
import dev.holdfast.coordinator.protocol.Name;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** The rounds of the store against the journals of the nodes: nobody waits for a word that cannot come. */
final class RoundCheck {

    private static final String SEE = "see \"A round that nobody remembers\" in docs/operations.md";

    private final World world;
    private final StoreFacts store;
    private final Set<Name> gone;

    RoundCheck(World world, StoreFacts store, Set<Name> gone) {
        this.world = world;
        this.store = store;
        this.gone = gone;
    }

    List<Finding> findings() {
        List<Finding> findings = new ArrayList<>();
        for (StoreFacts.Round round : store.rounds()) {
            round.waitsFor().stream()
                    .filter(node -> !world.nodes().containsKey(node))
                    .forEach(node -> findings.add(waitsFor(round, node)));
        }
        if (store.unreadable().isEmpty()) {
            store.claims().entrySet().stream()
                    .filter(claim -> store.round(claim.getValue()).isEmpty())
                    .forEach(claim -> findings.add(claimed(claim.getKey(), claim.getValue())));
        }
        for (NodeFacts node : world.nodes().values()) {
            node.journal().stream()
                    .filter(entry -> entry.round() && entry.inDoubt() && isForgotten(entry.operation()))
                    .forEach(entry -> findings.add(bound(node, entry)));
            for (MachineFacts machine : node.machines()) {
                machine.chain()
                        .flatMap(ChainFacts::change)
                        .filter(change -> machine.busy().isEmpty()
                                && !change.own()
                                && !change.journaled()
                                && store.round(change.operation()).isEmpty())
                        .ifPresent(change -> findings.add(left(node, machine, change)));
            }
        }
        return findings;
    }

    /** The record of a decided round is all that tells another node about a chain that the lost one had: it must not go before. */
    private Finding waitsFor(StoreFacts.Round round, Name node) {
        String text = "%s waits for node %s, which does not answer".formatted(round.text(), node);
        if (!gone.contains(node) || round.committed().isEmpty()) {
            return Finding.problem(
                    "",
                    round.id(),
                    text,
                    "start its agent; if the node never comes back, see \"A host that never comes back\" in docs/operations.md");
        }
        Optional<String> open = round.waitsFor().stream()
                .filter(other -> !gone.contains(other))
                .findFirst()
                .map(other -> "%s has still to make it true".formatted(other))
                .or(() -> leftChange(round.id()));
        if (open.isPresent()) {
            return Finding.problem("", round.id(), text, "first this: " + open.get() + "; then run fsck again");
        }
        return new Finding(
                "",
                round.id(),
                Finding.Kind.PROBLEM,
                text,
                "",
                world.nodes().keySet().stream()
                        .findFirst()
                        .map(asked -> new Repair(asked, node, Act.ACKNOWLEDGE, round.id())));
    }

    /** What of a round is left in a chain that can be seen, or may be in one that cannot. */
    private Optional<String> leftChange(String round) {
        for (NodeFacts node : world.nodes().values()) {
            for (MachineFacts machine : node.machines()) {
                if (machine.chain()
                        .flatMap(ChainFacts::change)
                        .filter(change -> change.operation().equals(round))
                        .isPresent()) {
                    return Optional.of("%s has still to make it true for %s".formatted(node.node(), machine.vm()));
                }
                if (machine.busy().isPresent()) {
                    return Optional.of("%s is not looked at, because of this: %s"
                            .formatted(machine.vm(), machine.busy().get()));
                }
            }
        }
        return Optional.empty();
    }

    private Finding bound(NodeFacts node, Entry entry) {
        String round = entry.operation();
        String text = "it is bound to %s %s, and the store has no record of that, which says nothing about how it ended"
                .formatted(entry.kind(), round);
        Ending ending = entry.doubt()
                .map(doubt -> Ending.of(world, store, round, doubt.members(), gone))
                .orElse(new Ending(Optional.empty(), "its agent does not say who else takes part"));
        if (ending.committed().equals(Optional.of(true)) && isGivenUpSomewhere(round)) {
            ending = new Ending(Optional.empty(), "a node that gave it up has still to end it; that takes seconds");
        }
        return concluded(
                node,
                entry.vms().get(0),
                text,
                ending,
                ending.committed().orElse(false) ? Act.COMMIT : Act.ABORT,
                round);
    }

    private boolean isGivenUpSomewhere(String round) {
        return world.nodes().values().stream()
                .flatMap(node -> node.journal().stream())
                .anyMatch(entry -> entry.operation().equals(round) && !entry.inDoubt());
    }

    /** Nobody's journal says who took part in the round: every machine there is may have. */
    private Finding left(NodeFacts node, MachineFacts machine, ChainFacts.Change change) {
        String round = change.operation();
        String text =
                "a %s of its chain by %s was cut short, and the store has no record of that, which says nothing about how it ended"
                        .formatted(change.kind(), round);
        Ending ending = anywhere(round);
        return concluded(
                node,
                machine.vm(),
                text,
                ending,
                ending.committed().orElse(false) ? Act.MAKE_TRUE : Act.TAKE_BACK,
                round);
    }

    private Ending anywhere(String round) {
        for (NodeFacts node : world.nodes().values()) {
            if (node.journal().stream().anyMatch(entry -> entry.operation().equals(round))) {
                return new Ending(Optional.empty(), "%s waits for its decision as well".formatted(node.node()));
            }
            if (!node.unreadableEntries().isEmpty() || !node.unreadable().isEmpty()) {
                return new Ending(
                        Optional.empty(), "%s has entries or definitions that cannot be read".formatted(node.node()));
            }
        }
        List<Name> silent = world.silent().keySet().stream()
                .filter(node -> !gone.contains(node))
                .toList();
        if (!silent.isEmpty()) {
            return new Ending(Optional.empty(), "%s did not answer".formatted(silent));
        }
        Optional<String> hidden = hidden();
        if (hidden.isPresent()) {
            return new Ending(Optional.empty(), hidden.get());
        }
        List<Member> all = world.nodes().values().stream()
                .flatMap(node -> node.machines().stream().map(machine -> new Member(node.node(), machine.vm())))
                .toList();
        return Ending.of(world, store, round, all, gone);
    }

    /** A node that is down is not in the store: of it speaks only what it has left there. */
    private Optional<String> hidden() {
        for (StoreFacts.Group group : store.groups()) {
            for (Name vm : group.vms()) {
                boolean lost = parts().anyMatch(part -> part.vm().equals(vm) && gone.contains(part.node()));
                if (!lost && world.machines(vm).findAny().isEmpty()) {
                    return Optional.of(
                            ("the disks of %s, of group %s, were not seen, because no node that answers has it"
                                            + " (take it out of the group if it is gone for good)")
                                    .formatted(vm, group.name()));
                }
            }
        }
        return parts().map(StoreFacts.Part::node)
                .filter(node -> !world.nodes().containsKey(node) && !gone.contains(node))
                .findFirst()
                .map("%s, which has parts of checkpoints, did not answer"::formatted);
    }

    private Stream<StoreFacts.Part> parts() {
        return store.checkpoints().stream().flatMap(checkpoint -> checkpoint.parts().stream());
    }

    private static Finding concluded(NodeFacts node, Name vm, String text, Ending ending, Act act, String round) {
        if (ending.committed().isEmpty()) {
            return Finding.problem(
                    node.node().value(),
                    vm.value(),
                    text,
                    "it can be concluded when this is put right: %s. Run fsck again then; %s"
                            .formatted(ending.because(), SEE));
        }
        return Finding.repairable(
                Finding.Kind.PROBLEM, text + "; but " + ending.because(), new Repair(node.node(), vm, act, round));
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
            return world.nodes().keySet().stream().findFirst().map(node -> new Repair(node, whose, Act.FREE, claim));
        } catch (IllegalArgumentException e) {
            return Optional.empty(); // Nothing of ours has such a name.
        }
    }

    /** What the catalogue has is made true by whoever waits for it, without a person. */
    private boolean isForgotten(String round) {
        return store.round(round).isEmpty()
                && store.checkpoints().stream()
                        .noneMatch(checkpoint -> checkpoint.round().equals(round));
    }
}
