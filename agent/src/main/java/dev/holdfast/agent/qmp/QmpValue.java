package dev.holdfast.agent.qmp;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Iterator;
import java.util.Map;

/**
 * What QEMU sent, to look into. A member that is not there reads as an empty text, 0, false, and no elements, so that one
 * look serves several versions of QEMU. Immutable.
 */
public final class QmpValue implements Iterable<QmpValue> {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final JsonNode node;

    QmpValue(JsonNode node) {
        this.node = node;
    }

    /** Arguments as one line of JSON, as QEMU's command line takes them too. */
    public static String write(Map<String, ?> arguments) {
        try {
            return JSON.writeValueAsString(arguments);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("arguments that are not JSON: " + arguments.keySet(), e);
        }
    }

    /** A member of an object. */
    public QmpValue path(String name) {
        return new QmpValue(node.path(name));
    }

    /** As text. */
    public String asText() {
        return node.asText("");
    }

    /** As a whole number. */
    public long asLong() {
        return node.asLong();
    }

    /** Whether it is an object. */
    public boolean isObject() {
        return node.isObject();
    }

    /** How many elements or members it has. */
    public int size() {
        return node.size();
    }

    /** The elements of a list. */
    @Override
    public Iterator<QmpValue> iterator() {
        Iterator<JsonNode> nodes = node.iterator();
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return nodes.hasNext();
            }

            @Override
            public QmpValue next() {
                return new QmpValue(nodes.next());
            }
        };
    }

    @Override
    public String toString() {
        return node.toString();
    }
}
