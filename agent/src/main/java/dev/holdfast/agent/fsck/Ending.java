package dev.holdfast.agent.fsck;

import dev.holdfast.agent.fsck.NodeFacts.Doubt;
import dev.holdfast.agent.fsck.NodeFacts.Entry;
import dev.holdfast.agent.fsck.NodeFacts.Member;
import dev.holdfast.coordinator.protocol.Name;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * How a round ended that has no record any more, as far as it can be concluded. It was committed if the catalogue has its checkpoint, or
 * if a member has read that, or its disks were changed as only a commitment changes them. It may count as aborted if <em>all</em> members
 * answered that they are making nothing true, and the disks of all were seen and were not changed so: nothing that anybody could go back to,
 * or runs from, is taken away then. As long as one was not seen it is neither. Immutable.
 *
 * @param committed empty if nobody can tell
 * @param because what proves the commitment, or what has to be looked at first
 */
record Ending(Optional<Boolean> committed, String because) {

    /** @param gone nodes of which a person says that they never come back, nor their disks */
    static Ending of(World world, StoreFacts store, String round, List<Member> members, Set<Name> gone) {
        Optional<String> proof = proof(world, store, round);
        if (proof.isPresent()) {
            return new Ending(Optional.of(true), proof.get());
        }
        List<String> unseen = new ArrayList<>(store.unreadable());
        for (Member member : members) {
            if (!gone.contains(member.node())) {
                notSeen(world, round, member).ifPresent(unseen::add);
            }
        }
        return unseen.isEmpty()
                ? new Ending(Optional.of(false), "the disks of all its machines were seen, and nothing of it counts")
                : new Ending(Optional.empty(), String.join("; ", unseen));
    }

    private static Optional<String> proof(World world, StoreFacts store, String round) {
        if (store.checkpoints().stream()
                .anyMatch(checkpoint -> checkpoint.round().equals(round))) {
            return Optional.of("the catalogue has its checkpoint");
        }
        for (NodeFacts node : world.nodes().values()) {
            if (node.making(round).filter(NodeFacts.Making::committed).isPresent()) {
                return Optional.of("%s has read that, and is making it true".formatted(node.node()));
            }
            List<Name> counts = new ArrayList<>();
            entry(node, round).flatMap(Entry::doubt).map(Doubt::counts).ifPresent(counts::addAll);
            node.machines().stream()
                    .filter(machine -> machine.chain()
                            .filter(chain -> isMadeTrue(chain, round))
                            .isPresent())
                    .forEach(machine -> counts.add(machine.vm()));
            if (!counts.isEmpty()) {
                return Optional.of("it counts on the disks of %s on %s".formatted(counts.get(0), node.node()));
            }
        }
        return Optional.empty();
    }

    private static boolean isMadeTrue(ChainFacts chain, String round) {
        return chain.parts().stream()
                        .anyMatch(part -> !part.pending() && part.operation().equals(round))
                || chain.change()
                        .filter(change -> change.moved() && change.operation().equals(round))
                        .isPresent();
    }

    /** Shared disks may be seen anywhere; but only its own node can say that it is not about to change them. */
    private static Optional<String> notSeen(World world, String round, Member member) {
        NodeFacts own = world.nodes().get(member.node());
        if (own == null) {
            return Optional.of("%s, which has %s, did not answer".formatted(member.node(), member.vm()));
        }
        if (own.making(round).isPresent()) {
            return Optional.of("%s has read a decision, and is making it true".formatted(member.node()));
        }
        return isSeen(world, round, member)
                ? Optional.empty()
                : Optional.of("the disks of %s on %s were not seen".formatted(member.vm(), member.node()));
    }

    private static boolean isSeen(World world, String round, Member member) {
        return world.nodes().values().stream()
                .anyMatch(node -> isSeenInJournal(node, round, member) || isSeenInChain(node, member));
    }

    /** A machine that a round holds is told of with the entry of the journal. */
    private static boolean isSeenInJournal(NodeFacts node, String round, Member member) {
        return entry(node, round)
                .filter(entry -> entry.vms().contains(member.vm())
                        && entry.doubt()
                                .filter(doubt -> !doubt.unseen().contains(member.vm()))
                                .isPresent())
                .isPresent();
    }

    /** Disks of which each node has its own were only that node's in the round. */
    private static boolean isSeenInChain(NodeFacts node, Member member) {
        return node.machines().stream()
                .anyMatch(machine -> machine.vm().equals(member.vm())
                        && machine.chain().isPresent()
                        && (!machine.apart() || node.node().equals(member.node())));
    }

    private static Optional<Entry> entry(NodeFacts node, String round) {
        return node.journal().stream()
                .filter(entry -> entry.round() && entry.operation().equals(round))
                .findFirst();
    }
}
