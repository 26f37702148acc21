package dev.holdfast.agent.migration;

import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.coordinator.protocol.Name;
import java.util.Locale;
import java.util.Map;

/** What the two nodes of a migration say to each other. */
final class Word {

    /** What is asked. */
    enum Ask {
        /** Of the target: make room for a copy of its disks, and take what is frozen. */
        RECEIVE,
        /** Of the target: wait for its memory. */
        LISTEN,
        /** Of the target: has all of it come? Waits for some seconds. */
        LOADED,
        /** Of the target: let it run. */
        RUN,
        /** Of the target: it is not coming. */
        DROP,
        /** Of the source: is it coming? */
        COMING
    }

    /** What is answered. */
    enum Answer {
        RECEIVES,
        LISTENS,
        LOADED,
        RUNS,
        NEVER_RAN,
        LOST,
        UNKNOWN,
        COMING
    }

    static final String ASK = "ask";
    static final String ANSWER = "answer";
    static final String MIGRATION = "migration";
    static final String VM = "vm";
    static final String SOURCE = "source";
    static final String HARDWARE = "hardware";
    static final String PROBES = "probes";
    static final String FREIGHT = "freight";
    static final String COPIED = "copied";
    static final String SECRET = "secret";
    static final String LAYERS = "layers";
    static final String WHY = "why";
    static final String ADDRESS = "address";
    static final String PORT = "port";

    private Word() {}

    static Ask ask(JsonObject body) throws JsonException {
        String word = body.text(ASK).orElse("");
        for (Ask ask : Ask.values()) {
            if (ask.name().toLowerCase(Locale.ROOT).equals(word)) {
                return ask;
            }
        }
        throw new JsonException("this agent knows no step \"" + word + "\" of a migration; is the other one newer?");
    }

    /** Unknown words of a newer agent say nothing that could be relied upon. */
    static Answer answer(JsonObject body) throws JsonException {
        String word = body.text(ANSWER).orElse("");
        for (Answer answer : Answer.values()) {
            if (answer.name().toLowerCase(Locale.ROOT).equals(word)) {
                return answer;
            }
        }
        throw new JsonException("\"" + word + "\" is no answer about a migration");
    }

    static String of(Enum<?> word) {
        return word.name().toLowerCase(Locale.ROOT);
    }

    static JsonObject answer(Answer answer) {
        return JsonObject.of(Map.of(ANSWER, of(answer)));
    }

    static JsonObject answer(Answer answer, String why) {
        return JsonObject.of(Map.of(ANSWER, of(answer), WHY, why));
    }

    static Name name(JsonObject body, String key) throws JsonException {
        return new Name(body.text(key).orElseThrow(() -> new JsonException("\"" + key + "\" is missing")));
    }
}
