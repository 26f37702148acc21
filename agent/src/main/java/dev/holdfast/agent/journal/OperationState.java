package dev.holdfast.agent.journal;

/**
 * How far an operation has come. There is no state for "done": the file is gone then.
 *
 * <pre>
 * INTENT   VOTED    the parts of a checkpoint are on stable storage
 * INTENT   LOADED   the old state of a revert is loaded beside the held machine
 * </pre>
 */
public enum OperationState {
    /** Begun; the node may give up alone. */
    INTENT,
    /** Bound to the decision; in doubt until it is known. The machines run. */
    VOTED,
    /** Bound to the decision; in doubt until it is known. The machines stay held. */
    LOADED;

    /** Whether an operation may go from here to there; staying is allowed. */
    public boolean mayBecome(OperationState next) {
        return this == next || this == INTENT;
    }

    /** Whether the node may no longer give up alone. */
    public boolean inDoubt() {
        return this != INTENT;
    }
}
