package dev.holdfast.agent.cluster;

import dev.holdfast.agent.json.Json;
import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * What one agent asks of another. Immutable.
 *
 * @param kind what it is about
 * @param body its arguments
 */
public record PeerRequest(Kind kind, JsonObject body) {

    /** What can be asked. */
    public enum Kind {
        /** Of the leader: run a round. */
        RUN_ROUND,
        /** Of the leader: end a group's round. */
        ABORT_ROUND,
        /** Of the leader: delete a checkpoint. */
        DELETE_CHECKPOINT,
        /** Of a member: check whether a round could be prepared, and what it would cost. */
        PREFLIGHT,
        /** Of a member: by what a machine is tied to others past the network. */
        TIES,
        /** Of a member: remove a machine's part of a checkpoint. */
        DELETE_PART,
        /** Of a member: verify a machine's part of a checkpoint. */
        VERIFY_PART,
        /** Of the other node of a migration: a step of it. */
        MIGRATION,
        /** Of the node of a standby, or of one that may become one: a step of a machine's replication. */
        REPLICATION,
        /** Of any node: what it sees of its machines' files and processes, or a repair of them. */
        FSCK,
        /** Of any node: how it is. */
        DOCTOR
    }

    /** As bytes for the link. */
    public byte[] bytes() {
        Map<String, Object> document = new TreeMap<>();
        document.put("kind", kind.name().toLowerCase(Locale.ROOT));
        document.put("body", body);
        return Json.line(document).getBytes(StandardCharsets.UTF_8);
    }

    /** @throws JsonException if it is no request, or one that this version does not know */
    public static PeerRequest parse(byte[] bytes) throws JsonException {
        JsonObject document = Json.object(new String(bytes, StandardCharsets.UTF_8));
        String word = document.text("kind").orElse("");
        for (Kind kind : Kind.values()) {
            if (kind.name().toLowerCase(Locale.ROOT).equals(word)) {
                return new PeerRequest(kind, document.object("body").orElse(JsonObject.empty()));
            }
        }
        throw new JsonException("this agent knows no request \"" + word + "\"; is the other one newer?");
    }
}
