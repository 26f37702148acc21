package dev.holdfast.coordinator.group;

/** Why the channel dropped a message. */
public enum Drop {
    /** A caller that did not prove that it has this cluster's key; nothing of what it said was read. */
    UNSEALED,
    /** Received: sealed, but its sender is not in the present view, or is a former life of a node that is. */
    STRANGER,
    /** Received: not of a form that this version reads. */
    MALFORMED,
    /** Received: speaks for another node than the one that sent it. */
    IMPOSTOR,
    /** To send: the receiver is not in the present view. */
    ABSENT,
    /** To send: the receiver does not take what waits for it already. */
    QUEUE_FULL
}
