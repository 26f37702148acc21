package dev.holdfast.coordinator.protocol;

/** What a round is for. Deleting a checkpoint is no round: it is a roll-forward. */
public enum RoundKind {
    /** Freeze, capture, thaw; the decision comes while the guests run again. */
    CHECKPOINT,
    /** Hold, load the old state beside the held one, decide; only then one side runs. */
    REVERT
}
