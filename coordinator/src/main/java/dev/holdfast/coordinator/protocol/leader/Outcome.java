package dev.holdfast.coordinator.protocol.leader;

import dev.holdfast.coordinator.protocol.Refusal;
import java.util.Optional;

/**
 * How a round ended for whoever asked for it. Immutable.
 *
 * @param kind whether it counts, does not, or is in another leader's hands
 * @param because why it does not count
 */
public record Outcome(Kind kind, Optional<Refusal> because) {

    /** The three answers a caller can get. */
    public enum Kind {
        COMMITTED,
        ABORTED,
        /** This leader lost office before it knew; the next one decides. */
        UNKNOWN
    }

    static Outcome committed() {
        return new Outcome(Kind.COMMITTED, Optional.empty());
    }

    static Outcome aborted(Refusal because) {
        return new Outcome(Kind.ABORTED, Optional.of(because));
    }

    static Outcome unknown() {
        return new Outcome(Kind.UNKNOWN, Optional.empty());
    }
}
