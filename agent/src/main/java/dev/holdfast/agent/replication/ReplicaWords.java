package dev.holdfast.agent.replication;

import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Copy;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** What the agents of two nodes say to each other about a replicated machine. */
final class ReplicaWords {
    static final String VM = "vm";
    static final String NODE = "node";
    static final String COPY = "copy";
    static final String GENERATION = "generation";
    static final String DISKS = "disks";
    static final String HARDWARE = "hardware";
    static final String CONTENT = "content";
    static final String READY = "ready";
    private static final String ASK = "ask";

    private ReplicaWords() {}

    /** What is asked. */
    enum Ask {
        READY,
        OFFER,
        VOID,
        PROMOTE
    }

    static Map<String, Object> question(Ask ask, Name vm) {
        Map<String, Object> words = new TreeMap<>();
        words.put(ASK, ask.name().toLowerCase(Locale.ROOT));
        words.put(VM, vm);
        return words;
    }

    static Map<String, Object> question(Ask ask, Name vm, Copy copy) {
        Map<String, Object> words = question(ask, vm);
        words.put(NODE, copy.node());
        words.put(COPY, copy.id());
        return words;
    }

    static Ask ask(JsonObject body) throws JsonException {
        String word = body.text(ASK).orElse("");
        for (Ask ask : Ask.values()) {
            if (ask.name().toLowerCase(Locale.ROOT).equals(word)) {
                return ask;
            }
        }
        throw new JsonException("this agent knows no step \"" + word + "\" of a replication; is the other one newer?");
    }

    static Name name(JsonObject body, String key) throws JsonException {
        try {
            return new Name(body.text(key).orElseThrow(() -> new JsonException("\"" + key + "\" is missing")));
        } catch (IllegalArgumentException e) {
            throw new JsonException(String.valueOf(e.getMessage()), e);
        }
    }

    static Copy copy(JsonObject body) throws JsonException {
        return new Copy(name(body, NODE), name(body, COPY));
    }
}
