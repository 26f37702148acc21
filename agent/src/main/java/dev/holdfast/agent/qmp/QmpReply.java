package dev.holdfast.agent.qmp;

/**
 * A successful reply.
 *
 * @param value what QEMU returned
 * @param receivedNanos our monotonic clock when it was read
 * @param sequence position among all lines of its connection
 */
public record QmpReply(QmpValue value, long receivedNanos, long sequence) {}
