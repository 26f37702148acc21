package dev.holdfast.agent.qmp;

/**
 * An event QEMU sent by itself.
 *
 * @param name for example STOP
 * @param data what came with it
 * @param timestampMicros QEMU's wall clock when it happened, microseconds since 1970
 * @param receivedNanos our monotonic clock when it was read
 * @param sequence position among all lines of its connection, so that it can be ordered against replies
 */
public record QmpEvent(String name, QmpValue data, long timestampMicros, long receivedNanos, long sequence) {}
