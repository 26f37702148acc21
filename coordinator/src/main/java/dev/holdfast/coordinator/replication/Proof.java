package dev.holdfast.coordinator.replication;

import dev.holdfast.coordinator.protocol.Name;

/**
 * What pacemaker's cluster information base says about the node of the old primary. It counts only if it was asked for
 * <em>after</em> the record was read: what was fenced before that may have begun a new life since.
 */
public sealed interface Proof {

    /** The node was fenced, or has left the cluster cleanly, and is not back. A missing ephemeral znode is no such proof. */
    record Gone(Name node) implements Proof {}

    /** The node is there, or its state is unclean, or nobody has looked. */
    record Missing() implements Proof {}

    /** The cluster runs without fencing: nobody will ever prove anything. */
    record NoFencing() implements Proof {}

    /** Whether it proves that nothing runs on this node any more. */
    default boolean isGone(Name node) {
        return this instanceof Gone gone && gone.node().equals(node);
    }
}
