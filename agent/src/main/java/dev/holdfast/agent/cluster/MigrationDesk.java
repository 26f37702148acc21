package dev.holdfast.agent.cluster;

import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.coordinator.engine.RoundRefusedException;
import dev.holdfast.coordinator.protocol.Name;
import java.util.Optional;

/** Answers the other node of a migration. May block. Thread-safe. */
public interface MigrationDesk {
    /**
     * One step.
     *
     * @throws RoundRefusedException it was not done, and nothing is left of it
     * @throws JsonException it is no step that this version knows
     */
    JsonObject answer(JsonObject body) throws RoundRefusedException, JsonException;

    /** Where a machine's chain is now, if it has left this node with a copy. */
    Optional<Name> destinationOfDisks(Name vm);
}
