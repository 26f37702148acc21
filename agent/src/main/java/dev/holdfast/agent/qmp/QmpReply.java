package dev.holdfast.agent.qmp;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * A successful reply.
 *
 * @param value what QEMU returned
 * @param receivedNanos our monotonic clock when it was read
 * @param sequence position among all lines of its connection
 */
public record QmpReply(JsonNode value, long receivedNanos, long sequence) {}
