package dev.holdfast.agent.qmp;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * An event QEMU sent by itself.
 *
 * @param name for example STOP
 * @param data an object, empty if QEMU sent none
 * @param timestampMicros QEMU's wall clock when it happened, microseconds since 1970
 * @param receivedNanos our monotonic clock when it was read
 * @param sequence position among all lines of its connection, so that it can be ordered against replies
 */
public record QmpEvent(String name, JsonNode data, long timestampMicros, long receivedNanos, long sequence) {}
