package dev.holdfast.agent.round;

/** Where a machine is that took part in a round on this node. */
public enum Whereabouts {
    /** On this node, or it runs nowhere: this node makes the decision true. */
    HERE,
    /** On this node, which never admitted it to the round, because it has no chain: there is nothing to undo. */
    NOT_ADMITTED,
    /** It was started on another node, which has not yet made the decision true. */
    ELSEWHERE_AND_OPEN,
    /** It was started on another node, and nothing of the round is under way in its chain any more. */
    ELSEWHERE_AND_DONE,
    /** Nobody on this node knows it any more: somebody took its definition away. */
    NOT_DEFINED
}
