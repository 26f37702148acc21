package dev.holdfast.agent.cluster;

import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.coordinator.engine.RoundRefusedException;

/** Answers the node of a replicated machine's primary. May block. Thread-safe. */
public interface ReplicationDesk {
    /**
     * One step.
     *
     * @throws RoundRefusedException it was not done
     * @throws JsonException it is no step that this version knows
     */
    JsonObject answer(JsonObject body) throws RoundRefusedException, JsonException, InterruptedException;
}
