package dev.holdfast.coordinator.protocol;

import java.util.Optional;

/** What the round's record in the store says. */
public enum RoundState {
    /** Open: nobody has decided. */
    PREPARING,
    /** Decided: it counts. */
    COMMITTED,
    /** Decided: it does not. */
    ABORTED;

    /** The decision that this state records, empty while the round is open. */
    public Optional<Decision> decision() {
        return switch (this) {
            case PREPARING -> Optional.empty();
            case COMMITTED -> Optional.of(Decision.COMMITTED);
            case ABORTED -> Optional.of(Decision.ABORTED);
        };
    }

    /** The state that records a decision. */
    public static RoundState of(Decision decision) {
        return switch (decision) {
            case COMMITTED -> COMMITTED;
            case ABORTED -> ABORTED;
        };
    }
}
