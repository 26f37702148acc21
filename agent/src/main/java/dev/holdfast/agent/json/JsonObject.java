package dev.holdfast.agent.json;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A JSON object as plain values, read with types. A key with the value null counts as absent. Immutable.
 */
public final class JsonObject {
    private final Map<String, @Nullable Object> values;

    JsonObject(LinkedHashMap<String, @Nullable Object> values) {
        this.values = Collections.unmodifiableMap(values);
    }

    /** The object without keys. */
    public static JsonObject empty() {
        return new JsonObject(new LinkedHashMap<>());
    }

    /** A record or a map as an object. */
    public static JsonObject of(Object value) {
        return new JsonObject(Json.plain(value));
    }

    /** The keys, in the order of the document. */
    public Set<String> keys() {
        return values.keySet();
    }

    /** All values, in the order of the document: texts, numbers, booleans, lists, maps. */
    @JsonValue
    public Map<String, @Nullable Object> values() {
        return values;
    }

    /** The value of any kind. */
    public Optional<Object> any(String key) {
        return Optional.ofNullable(values.get(key));
    }

    /** @throws JsonException if there is something else than a text */
    public Optional<String> text(String key) throws JsonException {
        return value(key, String.class, "a text");
    }

    /** @throws JsonException if there is something else than a whole number that fits into 64 bits */
    public Optional<Long> number(String key) throws JsonException {
        Optional<Number> number = value(key, Number.class, "a number");
        if (number.isPresent() && !(number.get() instanceof Integer || number.get() instanceof Long)) {
            throw new JsonException("\"" + key + "\" is not a whole number, or too large");
        }
        return number.map(Number::longValue);
    }

    /** @throws JsonException if there is something else than true or false */
    public Optional<Boolean> flag(String key) throws JsonException {
        return value(key, Boolean.class, "true or false");
    }

    /** @throws JsonException if there is something else than an object */
    public Optional<JsonObject> object(String key) throws JsonException {
        Optional<?> map = value(key, Map.class, "an object");
        return map.isPresent() ? Optional.of(fromMap((Map<?, ?>) map.get())) : Optional.empty();
    }

    /**
     * The objects of a list; empty if the key is absent.
     *
     * @throws JsonException if there is something else than a list of objects
     */
    public List<JsonObject> objects(String key) throws JsonException {
        List<JsonObject> objects = new ArrayList<>();
        for (Object element : list(key)) {
            if (!(element instanceof Map<?, ?> map)) {
                throw new JsonException("\"" + key + "\" has an element that is " + kind(element) + ", not an object");
            }
            objects.add(fromMap(map));
        }
        return objects;
    }

    /**
     * The texts of a list; empty if the key is absent.
     *
     * @throws JsonException if there is something else than a list of texts
     */
    public List<String> texts(String key) throws JsonException {
        List<String> texts = new ArrayList<>();
        for (Object element : list(key)) {
            if (!(element instanceof String text)) {
                throw new JsonException("\"" + key + "\" has an element that is " + kind(element) + ", not a text");
            }
            texts.add(text);
        }
        return texts;
    }

    /** @throws JsonException if the object does not have the shape of that record */
    public <T> T as(Class<T> type) throws JsonException {
        return Json.convert(values, type);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof JsonObject object && values.equals(object.values);
    }

    @Override
    public int hashCode() {
        return values.hashCode();
    }

    @Override
    public String toString() {
        return Json.line(values);
    }

    private List<?> list(String key) throws JsonException {
        Optional<?> list = value(key, List.class, "a list");
        return list.isPresent() ? (List<?>) list.get() : List.of();
    }

    private <T> Optional<T> value(String key, Class<T> type, String expected) throws JsonException {
        Object value = values.get(key);
        if (value == null || type.isInstance(value)) {
            return Optional.ofNullable(type.cast(value));
        }
        throw new JsonException("\"" + key + "\" is " + kind(value) + ", not " + expected);
    }

    private static JsonObject fromMap(Map<?, ?> map) {
        LinkedHashMap<String, @Nullable Object> copy = new LinkedHashMap<>();
        map.forEach((key, value) -> copy.put(String.valueOf(key), value));
        return new JsonObject(copy);
    }

    private static String kind(@Nullable Object value) {
        if (value == null) {
            return "null";
        }
        if (value instanceof String) {
            return "a text";
        }
        if (value instanceof Number) {
            return "a number";
        }
        return value instanceof Map ? "an object" : value instanceof List ? "a list" : value.toString();
    }
}
