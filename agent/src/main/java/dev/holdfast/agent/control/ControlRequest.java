package dev.holdfast.agent.control;

import dev.holdfast.agent.json.Json;
import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import java.util.Optional;
import java.util.Set;

/**
 * One request. Immutable.
 *
 * @param id chosen by the caller, a text of at most 64 characters or a whole number; repeated in every answer
 * @param command the name on the wire
 * @param arguments what is asked for
 */
record ControlRequest(Object id, String command, Arguments arguments) {
    private static final Set<String> KEYS = Set.of("id", "command", "arguments");
    private static final int LONGEST_ID = 64;

    /** @throws JsonException if the line is not a request; the message is meant for the caller */
    static ControlRequest parse(String line) throws JsonException {
        JsonObject object = Json.object(line);
        if (!KEYS.containsAll(object.keys())) {
            throw new JsonException("a request has the keys \"id\", \"command\" and \"arguments\", and no others");
        }
        Optional<Object> id = object.any("id");
        boolean usable = id.filter(value -> value instanceof Integer
                        || value instanceof Long
                        || value instanceof String text && text.length() <= LONGEST_ID)
                .isPresent();
        if (!usable) {
            throw new JsonException("a request needs an \"id\": a whole number or a short text");
        }
        String command = object.text("command").orElseThrow(() -> new JsonException("a request needs a \"command\""));
        if (command.length() > LONGEST_ID || command.chars().anyMatch(Character::isISOControl)) {
            throw new JsonException("the \"command\" is no name of a command");
        }
        return new ControlRequest(
                id.get(), command, new Arguments(object.object("arguments").orElse(JsonObject.empty())));
    }
}
