package dev.holdfast.agent.journal;

/**
 * How far an operation has come. There is no state for "done": the file is gone then.
 *
 * <pre>
 * INTENT   VOTED    the parts of a checkpoint are on stable storage
 * INTENT   LOADED   the old state of a revert is loaded beside the held machine
 * INTENT   HANDED_OVER   the machine is the other node's, or was taken over from it
 * </pre>
 */
public enum OperationState {
    /** Begun; the node may give up alone. */
    INTENT,
    /** Bound to the decision; in doubt until it is known. The machines run. */
    VOTED,
    /** Bound to the decision; in doubt until it is known. The machines stay held. */
    LOADED,
    /** A machine that moves is no longer its source's, or is its target's already. */
    HANDED_OVER;

    /** Whether an operation may go from here to there; staying is allowed. */
    public boolean mayBecome(OperationState next) {
        return this == next || this == INTENT;
    }

    /** Whether the node may no longer give up alone. */
    public boolean inDoubt() {
        return this != INTENT;
    }
}
