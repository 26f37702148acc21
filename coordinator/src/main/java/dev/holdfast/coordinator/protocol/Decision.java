package dev.holdfast.coordinator.protocol;

/** How a round ended. There is no third way: <em>no record is not ABORTED</em>. */
public enum Decision {
    /** Every member's part is durable and counts. */
    COMMITTED,
    /** No member's part counts. */
    ABORTED
}
