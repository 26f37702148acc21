package dev.holdfast.agent.cluster;

import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.coordinator.engine.RoundRefusedException;

/** What this node tells of itself, and repairs. Blocks. Thread-safe. */
public interface InspectionDesk {

    /**
     * Answers a request of kind {@link PeerRequest.Kind#FSCK}.
     *
     * @throws RoundRefusedException it was not done
     * @throws JsonException the request is not understood
     */
    JsonObject fsck(JsonObject body) throws RoundRefusedException, JsonException;

    /** Answers a request of kind {@link PeerRequest.Kind#DOCTOR}. */
    JsonObject doctor();
}
