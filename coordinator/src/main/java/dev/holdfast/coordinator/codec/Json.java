package dev.holdfast.coordinator.codec;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;

/**
 * Bounded, strict JSON: no duplicate keys, nothing after the document, limits on depth and size. Stateless.
 *
 * <p>Each document is an object with {@code format}, its kind, and {@code version}. Fields that are not known are left
 * alone, so that a field may be added without a new version; a change of meaning needs one.
 */
final class Json {

    /** The largest document, in bytes. A znode holds at most 1 MiB. */
    static final int MAX_BYTES = 1000 * 1024;

    static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private static final int MAX_DEPTH = 32;
    private static final int MAX_STRING = 64 * 1024;

    private static final JsonMapper MAPPER = JsonMapper.builder(com.fasterxml.jackson.core.JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(MAX_DEPTH)
                            .maxStringLength(MAX_STRING)
                            .maxNumberLength(32)
                            .maxDocumentLength(MAX_BYTES)
                            .build())
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private Json() {}

    /** A new document of a kind. */
    static ObjectNode document(String format, int version) {
        return NODES.objectNode().put("format", format).put("version", version);
    }

    static byte[] bytes(ObjectNode document) {
        try {
            return MAPPER.writeValueAsBytes(document);
        } catch (JsonProcessingException impossible) {
            throw new IllegalStateException("a tree of plain values could not be written", impossible);
        }
    }

    /**
     * Reads a document.
     *
     * @param format its kind
     * @param newest the newest version that can be read
     * @throws CodecException if it is malformed, too large, of another kind, or newer
     */
    static Fields read(byte[] bytes, String format, int newest) throws CodecException {
        if (bytes.length > MAX_BYTES) {
            throw new CodecException(
                    "a %s record has %d bytes; at most %d are allowed".formatted(format, bytes.length, MAX_BYTES));
        }
        JsonNode tree;
        try {
            tree = MAPPER.readTree(bytes);
        } catch (IOException malformed) {
            throw new CodecException(
                    "a %s record is not well-formed JSON; it was damaged or written by something else"
                            .formatted(format),
                    malformed);
        }
        if (tree == null || !tree.isObject()) {
            throw new CodecException(
                    "a %s record is not a JSON object; it was damaged or written by something else".formatted(format));
        }
        Fields fields = new Fields(tree, format);
        String found = fields.text("format");
        if (!found.equals(format)) {
            throw new CodecException("expected a %s record, but it says \"%s\"".formatted(format, found));
        }
        long version = fields.number("version");
        if (version < 1 || version > newest) {
            throw new CodecException(("a %s record has version %d; this Holdfast reads versions up to %d."
                            + " Upgrade Holdfast on this node to the version of the other nodes")
                    .formatted(format, version, newest));
        }
        return fields;
    }
}
