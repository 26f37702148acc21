package dev.holdfast.agent.cluster;

import dev.holdfast.agent.json.Json;
import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.coordinator.engine.RoundRefusedException;
import dev.holdfast.coordinator.protocol.Refusal;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** What an agent answers another: a result, or why not. */
final class PeerAnswer {

    private PeerAnswer() {}

    static byte[] result(JsonObject result) {
        return Json.line(Map.of("result", result)).getBytes(StandardCharsets.UTF_8);
    }

    static byte[] refusal(Refusal because) {
        return Json.line(Map.of("refusal", Map.of("kind", because.kind().name(), "text", because.text())))
                .getBytes(StandardCharsets.UTF_8);
    }

    /** It was begun, and it is not known here how it ended. */
    static byte[] unknown(String why) {
        return Json.line(Map.of("unknown", why)).getBytes(StandardCharsets.UTF_8);
    }

    /**
     * @throws RoundRefusedException the other agent said no
     * @throws OutcomeUnknownException it does not know either, or did not make itself understood
     */
    static JsonObject read(byte[] bytes) throws RoundRefusedException, OutcomeUnknownException {
        try {
            JsonObject document = Json.object(new String(bytes, StandardCharsets.UTF_8));
            var unknown = document.text("unknown");
            if (unknown.isPresent()) {
                throw new OutcomeUnknownException(unknown.get());
            }
            var refusal = document.object("refusal");
            if (refusal.isPresent()) {
                throw new RoundRefusedException(new Refusal(
                        Refusal.Kind.valueOf(refusal.get().text("kind").orElse("FAILED")),
                        refusal.get().text("text").orElse("no reason given")));
            }
            return document.object("result").orElse(JsonObject.empty());
        } catch (JsonException | IllegalArgumentException e) {
            throw new OutcomeUnknownException("the other agent's answer cannot be read: " + e.getMessage());
        }
    }
}
