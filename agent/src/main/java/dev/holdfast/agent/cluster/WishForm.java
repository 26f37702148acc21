package dev.holdfast.agent.cluster;

import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.coordinator.engine.Coordinator.Wish;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.RoundOptions;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;

/** A caller's wish on its way to the leader. */
final class WishForm {

    private WishForm() {}

    static JsonObject write(Wish wish) {
        RoundOptions options = wish.options();
        Map<String, Object> form = new TreeMap<>();
        form.put("id", wish.id().value());
        form.put("kind", wish.kind().name());
        form.put("group", wish.group().value());
        form.put("checkpoint", wish.checkpoint().value());
        form.put("patience_ms", wish.patience().toMillis());
        form.put("deadline_ms", options.deadline().toMillis());
        form.put("prepare_timeout_ms", options.prepareTimeout().toMillis());
        form.put("drain_timeout_ms", options.drainTimeout().toMillis());
        form.put("max_pause_ms", options.maxPause().toMillis());
        form.put("method", options.method().name());
        form.put("quiesce", options.quiesce().name());
        form.put("paused", options.paused());
        form.put("description", options.description());
        form.put("allow_degraded", options.allowDegraded());
        return JsonObject.of(form);
    }

    /** @throws JsonException if a part is missing or makes no sense */
    static Wish read(JsonObject form) throws JsonException {
        try {
            RoundOptions options = new RoundOptions(
                            millis(form, "deadline_ms"),
                            millis(form, "prepare_timeout_ms"),
                            millis(form, "drain_timeout_ms"),
                            millis(form, "max_pause_ms"),
                            RoundOptions.CaptureMethod.valueOf(text(form, "method")),
                            RoundOptions.Quiesce.valueOf(text(form, "quiesce")),
                            form.flag("paused").orElse(false),
                            text(form, "description"))
                    .withDegraded(form.flag("allow_degraded").orElse(false));
            return new Wish(
                    new RoundId(text(form, "id")),
                    RoundKind.valueOf(text(form, "kind")),
                    new Name(text(form, "group")),
                    new Name(text(form, "checkpoint")),
                    options,
                    millis(form, "patience_ms"));
        } catch (IllegalArgumentException e) {
            throw new JsonException("the wish cannot be read: " + e.getMessage());
        }
    }

    private static String text(JsonObject form, String key) throws JsonException {
        return form.text(key).orElseThrow(() -> new JsonException("\"" + key + "\" is missing"));
    }

    private static Duration millis(JsonObject form, String key) throws JsonException {
        return Duration.ofMillis(form.number(key).orElseThrow(() -> new JsonException("\"" + key + "\" is missing")));
    }
}
