package dev.holdfast.agent.json;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.StreamWriteFeature;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.datatype.jdk8.Jdk8Module;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import org.jspecify.annotations.Nullable;

/** Reads and writes JSON, strictly and within bounds. Thread-safe. */
public final class Json {
    /** Most levels of nesting. */
    public static final int MAX_DEPTH = 64;
    /** Longest text, in characters. */
    public static final int MAX_TEXT = 1 << 20;
    /** Longest document, in characters. */
    public static final int MAX_DOCUMENT = 4 << 20;

    private static final ObjectMapper MAPPER = configured(JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(MAX_DEPTH)
                            .maxStringLength(MAX_TEXT)
                            .maxDocumentLength(MAX_DOCUMENT)
                            .maxNameLength(1024)
                            .maxNumberLength(100)
                            .build())
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .build()))
            .build();
    private static final TypeReference<LinkedHashMap<String, @Nullable Object>> PLAIN = new TypeReference<>() {};

    private Json() {}

    /** The mapper itself, for the hypervisor protocols, which keep JSON trees. Nobody else; nobody configures it. */
    public static ObjectMapper mapper() {
        return MAPPER;
    }

    /** One line without a line end, as sockets carry it. */
    public static String line(Object value) {
        return write(MAPPER, value, false);
    }

    /** Several lines, for people. */
    public static String pretty(Object value) {
        return write(MAPPER, value, true);
    }

    /** The same value as YAML. Loads its library only here. */
    public static String yaml(Object value) {
        return write(Yaml.MAPPER, value, false);
    }

    /**
     * Reads a document into a record.
     *
     * @throws JsonException if it is not exactly one document of that shape
     */
    public static <T> T read(String text, Class<T> type) throws JsonException {
        if (text.length() > MAX_DOCUMENT) {
            throw new JsonException("the document has more than " + MAX_DOCUMENT + " characters");
        }
        try {
            T value = MAPPER.readValue(text, type);
            if (value == null) {
                throw new JsonException("the document is null");
            }
            return value;
        } catch (JsonProcessingException e) {
            throw failure(e);
        }
    }

    /**
     * Reads a document that is an object.
     *
     * @throws JsonException if it is not exactly one object
     */
    public static JsonObject object(String text) throws JsonException {
        if (text.length() > MAX_DOCUMENT) {
            throw new JsonException("the document has more than " + MAX_DOCUMENT + " characters");
        }
        try {
            LinkedHashMap<String, @Nullable Object> plain = MAPPER.readValue(text, PLAIN);
            if (plain == null) {
                throw new JsonException("the document is null");
            }
            return new JsonObject(plain);
        } catch (JsonProcessingException e) {
            throw failure(e);
        }
    }

    /** A record, or a map, as plain values. */
    static LinkedHashMap<String, @Nullable Object> plain(Object value) {
        return MAPPER.convertValue(value, PLAIN);
    }

    /** @throws JsonException if the tree does not have that shape */
    static <T> T convert(Object plain, Class<T> type) throws JsonException {
        try {
            return MAPPER.convertValue(plain, type);
        } catch (IllegalArgumentException e) {
            throw e.getCause() instanceof JsonProcessingException cause
                    ? failure(cause)
                    : new JsonException(String.valueOf(e.getMessage()), e);
        }
    }

    static JsonException failure(JsonProcessingException e) {
        if (e.getCause() instanceof JsonException own) {
            return own;
        }
        JsonLocation location = e.getLocation();
        String place = location == null || location.getLineNr() < 0
                ? ""
                : " (line %d, column %d)".formatted(location.getLineNr(), location.getColumnNr());
        return new JsonException("not the expected JSON: " + firstLine(e.getOriginalMessage()) + place, e);
    }

    private static String firstLine(@Nullable String message) {
        String text =
                message == null ? "no details" : message.lines().findFirst().orElse("no details");
        String printable = text.replaceAll("\\p{Cntrl}", "?");
        return printable.length() > 200 ? printable.substring(0, 200) + "..." : printable;
    }

    private static String write(ObjectMapper mapper, Object value, boolean pretty) {
        try {
            return (pretty ? mapper.writerWithDefaultPrettyPrinter() : mapper.writer()).writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException("a value of " + value.getClass() + " cannot be written as JSON", e);
        }
    }

    private static <B extends com.fasterxml.jackson.databind.cfg.MapperBuilder<?, B>> B configured(B builder) {
        return builder.addModule(new Jdk8Module())
                .addModule(new ValueModule())
                .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
                .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
                .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
                .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
                .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
                .disable(SerializationFeature.FAIL_ON_EMPTY_BEANS)
                .disable(StreamWriteFeature.AUTO_CLOSE_TARGET);
    }

    /** Holds back the YAML classes until somebody wants them. */
    private static final class Yaml {
        private static final ObjectMapper MAPPER = configured(com.fasterxml.jackson.dataformat.yaml.YAMLMapper.builder()
                        .disable(com.fasterxml.jackson.dataformat.yaml.YAMLGenerator.Feature.WRITE_DOC_START_MARKER)
                        .enable(com.fasterxml.jackson.dataformat.yaml.YAMLGenerator.Feature.MINIMIZE_QUOTES))
                .build();
    }
}
