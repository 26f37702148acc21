package dev.holdfast.coordinator.codec;

import com.fasterxml.jackson.databind.JsonNode;
import dev.holdfast.coordinator.protocol.Name;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/** One JSON object that is being read; knows where it stands in the document, for the error messages. */
final class Fields {

    /** How a value comes about from an object. */
    interface Mapping<T> {
        T from(Fields fields) throws CodecException;
    }

    /** How a value comes about from a text; refuses by {@link IllegalArgumentException}. */
    interface Parser<T> {
        T from(String text);
    }

    private final JsonNode node;
    private final String path;

    Fields(JsonNode node, String path) {
        this.node = node;
        this.path = path;
    }

    String text(String field) throws CodecException {
        JsonNode value = required(field);
        if (!value.isTextual()) {
            throw wrong(field, "a text", value);
        }
        return value.textValue();
    }

    long number(String field) throws CodecException {
        JsonNode value = required(field);
        if (!value.isIntegralNumber() || !value.canConvertToLong()) {
            throw wrong(field, "a whole number", value);
        }
        return value.longValue();
    }

    boolean flag(String field) throws CodecException {
        JsonNode value = required(field);
        if (!value.isBoolean()) {
            throw wrong(field, "true or false", value);
        }
        return value.booleanValue();
    }

    /** A text that must have a form. */
    <T> T parsed(String field, Parser<T> parser) throws CodecException {
        return parse(field, text(field), parser);
    }

    private <T> T parse(String field, String text, Parser<T> parser) throws CodecException {
        try {
            return parser.from(text);
        } catch (IllegalArgumentException | DateTimeException refused) {
            throw new CodecException("%s.%s: %s".formatted(path, field, refused.getMessage()), refused);
        }
    }

    Name name(String field) throws CodecException {
        return parsed(field, Name::new);
    }

    Optional<Name> optionalName(String field) throws CodecException {
        return has(field) ? Optional.of(name(field)) : Optional.empty();
    }

    Duration duration(String field) throws CodecException {
        return parsed(field, Duration::parse);
    }

    Instant instant(String field) throws CodecException {
        return parsed(field, Instant::parse);
    }

    <E extends Enum<E>> E choice(String field, Class<E> type) throws CodecException {
        return parsed(field, text -> Enum.valueOf(type, text));
    }

    boolean has(String field) {
        return node.hasNonNull(field);
    }

    /** A nested object. A refusal by the value's own constructor becomes an error with the place. */
    <T> T object(String field, Mapping<T> mapping) throws CodecException {
        return map(required(field), path + "." + field, mapping);
    }

    <T> Optional<T> optionalObject(String field, Mapping<T> mapping) throws CodecException {
        return has(field) ? Optional.of(object(field, mapping)) : Optional.empty();
    }

    <T> List<T> list(String field, Mapping<T> mapping) throws CodecException {
        List<T> all = new ArrayList<>();
        for (JsonNode element : array(field)) {
            all.add(map(element, path + "." + field + "[" + all.size() + "]", mapping));
        }
        return all;
    }

    private static <T> T map(JsonNode value, String path, Mapping<T> mapping) throws CodecException {
        if (!value.isObject()) {
            throw new CodecException(path + " must be an object, not " + value.getNodeType());
        }
        try {
            return mapping.from(new Fields(value, path));
        } catch (IllegalArgumentException refused) {
            throw new CodecException(path + ": " + refused.getMessage(), refused);
        }
    }

    SortedSet<Name> names(String field) throws CodecException {
        return namesOf(field, array(field));
    }

    private SortedSet<Name> namesOf(String field, JsonNode array) throws CodecException {
        SortedSet<Name> names = new TreeSet<>();
        for (JsonNode element : array) {
            if (!element.isTextual()) {
                throw wrong(field, "a list of names", element);
            }
            names.add(parse(field, element.textValue(), Name::new));
        }
        return names;
    }

    /** An object whose keys are names and whose values are lists of names. */
    SortedMap<Name, SortedSet<Name>> namesByName(String field) throws CodecException {
        SortedMap<Name, SortedSet<Name>> all = new TreeMap<>();
        for (Map.Entry<String, JsonNode> entry : entries(field)) {
            if (!entry.getValue().isArray()) {
                throw wrong(field, "lists of names", entry.getValue());
            }
            all.put(parse(field, entry.getKey(), Name::new), namesOf(field, entry.getValue()));
        }
        return all;
    }

    /** An object whose keys are names and whose values are texts. */
    SortedMap<Name, String> textsByName(String field) throws CodecException {
        SortedMap<Name, String> all = new TreeMap<>();
        for (Map.Entry<String, JsonNode> entry : entries(field)) {
            if (!entry.getValue().isTextual()) {
                throw wrong(field, "texts", entry.getValue());
            }
            all.put(parse(field, entry.getKey(), Name::new), entry.getValue().textValue());
        }
        return all;
    }

    private List<Map.Entry<String, JsonNode>> entries(String field) throws CodecException {
        JsonNode value = required(field);
        if (!value.isObject()) {
            throw wrong(field, "an object", value);
        }
        List<Map.Entry<String, JsonNode>> entries = new ArrayList<>();
        for (Iterator<Map.Entry<String, JsonNode>> each = value.properties().iterator(); each.hasNext(); ) {
            entries.add(each.next());
        }
        return entries;
    }

    private JsonNode array(String field) throws CodecException {
        JsonNode value = required(field);
        if (!value.isArray()) {
            throw wrong(field, "a list", value);
        }
        return value;
    }

    private JsonNode required(String field) throws CodecException {
        JsonNode value = node.get(field);
        if (value == null || value.isNull()) {
            throw new CodecException("%s.%s is missing".formatted(path, field));
        }
        return value;
    }

    private CodecException wrong(String field, String expected, JsonNode found) {
        return new CodecException("%s.%s must be %s, not %s".formatted(path, field, expected, found.getNodeType()));
    }
}
