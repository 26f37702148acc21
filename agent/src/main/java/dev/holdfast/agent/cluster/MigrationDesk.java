package dev.holdfast.agent.cluster;

import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.coordinator.engine.RoundRefusedException;

/** Answers the other node of a migration. May block. Thread-safe. */
public interface MigrationDesk {
    /**
     * One step.
     *
     * @throws RoundRefusedException it was not done, and nothing is left of it
     * @throws JsonException it is no step that this version knows
     */
    JsonObject answer(JsonObject body) throws RoundRefusedException, JsonException;
}
