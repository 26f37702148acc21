package dev.holdfast.coordinator.replication;

import dev.holdfast.coordinator.protocol.Name;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * A person's decision which copy counts, after failures that left no copy in the set alive ({@code holdfast vm resync
 * --discard-node}). The only way in which a copy that is out of sync comes back into the set. It runs nothing: the copy that was
 * chosen is promoted by pacemaker afterwards.
 */
public final class Discard {

    private Discard() {}

    /**
     * Judges the decision.
     *
     * @param record what the store says; empty if it lost the record
     * @param keep the copy that shall count
     * @param discarded the nodes whose copies shall not; every other node that the record names has to be among them
     * @param proof what is known of the node of the recorded primary
     */
    public static Verdict judge(Optional<ReplicationRecord> record, CopyFacts keep, Set<Name> discarded, Proof proof) {
        if (keep.kind() == CopyFacts.Kind.STANDBY && keep.epoch() == 0) {
            return Verdict.no(Reason.UNFINISHED);
        }
        long generation = keep.generation();
        if (record.isPresent()) {
            ReplicationRecord known = record.get();
            generation = Math.max(generation, known.generation());
            Name home = keep.copy().node();
            Optional<Name> runs = known.primary().map(Copy::node).filter(node -> !node.equals(home));
            if (runs.isPresent() && !proof.isGone(runs.get())) {
                return Verdict.no(Reason.STILL_WANTED);
            }
            boolean allNamed = known.inSync().stream()
                    .map(Copy::node)
                    .allMatch(node -> node.equals(home) || discarded.contains(node));
            if (!allNamed) {
                return Verdict.no(Reason.NOT_NAMED);
            }
        }
        return new Verdict.Allowed(
                new ReplicationRecord(generation + 1, Optional.empty(), new TreeSet<>(Set.of(keep.copy()))));
    }
}
