package dev.holdfast.coordinator.protocol;

import java.util.Optional;

/**
 * What a participant keeps on stable storage about a round it takes part in. Removed only after the decision was carried
 * out.
 *
 * @param spec the round
 * @param report present once the member has bound itself to the decision (VOTED, for a revert LOADED): then it is in doubt
 *     and never gives up alone. Absent: INTENT, the member may give up alone
 */
public record JournalEntry(RoundSpec spec, Optional<MemberReport> report) {

    /** The first entry of a round. */
    public static JournalEntry intent(RoundSpec spec) {
        return new JournalEntry(spec, Optional.empty());
    }

    /** The entry that binds the member. */
    public static JournalEntry voted(RoundSpec spec, MemberReport report) {
        return new JournalEntry(spec, Optional.of(report));
    }
}
