package dev.holdfast.coordinator.protocol;

import java.util.Collections;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * A round as the store shows it at one moment. Immutable.
 *
 * @param spec what was fixed at the opening
 * @param state open or decided
 * @param version version of the round's record; the next write must name it
 * @param ready members that said READY
 * @param votes final votes so far; may be empty once it is decided, when nobody needs them
 * @param acknowledged members that have carried the decision out, or were declared lost by a person
 */
public record RoundView(
        RoundSpec spec,
        RoundState state,
        int version,
        SortedSet<Name> ready,
        SortedMap<Name, Vote> votes,
        SortedSet<Name> acknowledged) {

    public RoundView {
        ready = Collections.unmodifiableSortedSet(new TreeSet<>(ready));
        votes = Collections.unmodifiableSortedMap(new TreeMap<>(votes));
        acknowledged = Collections.unmodifiableSortedSet(new TreeSet<>(acknowledged));
    }

    /**
     * Whether this view was read no earlier than the other: nothing in a round ever goes back. A decided round is never open again, and
     * a record that begins anew with its decision is later than all that was seen of the one before it.
     */
    public boolean isAtLeast(RoundView other) {
        boolean decided = state.decision().isPresent();
        if (decided != other.state.decision().isPresent()) {
            return decided;
        }
        if (isConcluded() != other.isConcluded()) {
            return isConcluded();
        }
        return version >= other.version
                && ready.containsAll(other.ready)
                && (state.decision().isPresent() || votes.keySet().containsAll(other.votes.keySet()))
                && acknowledged.containsAll(other.acknowledged);
    }

    /** Whether a person had it concluded after its record was gone: else a decision is the second thing at least that a record says. */
    private boolean isConcluded() {
        return version == 0 && state.decision().isPresent();
    }

    /** The members whose word is missing: READY, then the vote, and after the decision that it is carried out. */
    public SortedSet<Name> waitsFor() {
        SortedSet<Name> missing = new TreeSet<>(spec.members().nodes());
        if (state.decision().isPresent()) {
            missing.removeAll(acknowledged);
            return missing;
        }
        missing.removeAll(votes.keySet());
        SortedSet<Name> notReady = new TreeSet<>(missing);
        notReady.removeAll(ready);
        return notReady.isEmpty() ? missing : notReady;
    }

    /** A view from unsorted collections. */
    public static RoundView of(
            RoundSpec spec,
            RoundState state,
            int version,
            Set<Name> ready,
            Map<Name, Vote> votes,
            Set<Name> acknowledged) {
        return new RoundView(
                spec, state, version, new TreeSet<>(ready), new TreeMap<>(votes), new TreeSet<>(acknowledged));
    }
}
