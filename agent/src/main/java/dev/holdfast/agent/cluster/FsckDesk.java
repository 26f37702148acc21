package dev.holdfast.agent.cluster;

import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.coordinator.engine.RoundRefusedException;

/** What this node tells of its machines' files and processes, and repairs. Blocks. Thread-safe. */
public interface FsckDesk {

    /**
     * Answers a request of kind {@link PeerRequest.Kind#FSCK}.
     *
     * @throws RoundRefusedException it was not done
     * @throws JsonException the request is not understood
     */
    JsonObject answer(JsonObject body) throws RoundRefusedException, JsonException;
}
