package dev.holdfast.agent.json;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.holdfast.agent.files.OwnFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * One kind of file that holds a record through crashes.
 *
 * <p>Format: one JSON object {@code {"format": "journal", "version": 1, "sha256": "<64 digits>", "body": {...}}}. The digest
 * is that of the body written on one line in the order of its keys, so that layout does not matter and content does.
 *
 * <p>A write goes to a temporary file beside the target, which is flushed, renamed over it, and made certain by a flush of
 * the directory: after a crash the old content is there or the new one. What cannot be read is an error that names the
 * file, never a reset. Thread-safe; two writers of one file must be kept apart by their caller.
 *
 * @param <T> the record
 */
public final class DurableFile<T> {
    private static final String TEMPORARY_SUFFIX = ".tmp";

    private final String format;
    private final int version;
    private final Class<T> type;

    /**
     * @param format a word that tells this kind of file from others
     * @param version of the record; raised whenever an older reader would misunderstand it
     * @param type the record
     */
    public DurableFile(String format, int version, Class<T> type) {
        this.format = format;
        this.version = version;
        this.type = type;
    }

    /**
     * Writes or replaces the file; it is on stable storage when this returns.
     *
     * @throws IOException the old content or the new one is there, not certainly on stable storage
     */
    public void write(Path file, T value) throws IOException {
        byte[] content = encode(value).getBytes(StandardCharsets.UTF_8);
        if (content.length > Json.MAX_DOCUMENT) {
            throw new IOException("the content of " + file + " would pass " + Json.MAX_DOCUMENT + " bytes");
        }
        Path temporary = temporary(file);
        try {
            try (FileChannel channel = OwnFile.replace(temporary)) {
                ByteBuffer buffer = ByteBuffer.wrap(content);
                while (buffer.hasRemaining()) {
                    channel.write(buffer);
                }
                channel.force(true);
            }
            Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            deleteQuietly(temporary, e);
            throw e;
        }
        flushDirectory(directoryOf(file));
    }

    /**
     * Reads the file.
     *
     * @throws java.nio.file.NoSuchFileException if it is not there
     * @throws UnreadableFileException if it is there and is not a whole file of this kind and of a known version
     */
    public T read(Path file) throws IOException {
        if (Files.size(file) > Json.MAX_DOCUMENT) {
            throw new UnreadableFileException(file, "it has more than " + Json.MAX_DOCUMENT + " bytes");
        }
        String text;
        try {
            text = Files.readString(file);
        } catch (CharacterCodingException e) {
            throw new UnreadableFileException(file, "it is not UTF-8 text", e);
        }
        return decode(file, text);
    }

    /**
     * Whether something has that name, a link as it is.
     *
     * @throws IOException nobody can tell: that is not the same as "no"
     */
    public static boolean isThere(Path file) throws IOException {
        try {
            Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
            return true;
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    /** Removes a file, certainly. Idempotent. */
    public static void delete(Path file) throws IOException {
        Files.deleteIfExists(file);
        flushDirectory(directoryOf(file));
    }

    /** Makes renames and removals in a directory certain. */
    public static void flushDirectory(Path directory) throws IOException {
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    private static Path temporary(Path file) {
        return file.resolveSibling("." + file.getFileName() + TEMPORARY_SUFFIX);
    }

    private static Path directoryOf(Path file) {
        Path parent = file.toAbsolutePath().getParent();
        return parent == null ? file.getRoot() : parent;
    }

    private String encode(T value) throws JsonProcessingException {
        JsonNode body = Json.mapper().valueToTree(value);
        ObjectNode document = Json.mapper().createObjectNode();
        document.put("format", format);
        document.put("version", version);
        document.put("sha256", digest(body));
        document.set("body", body);
        return Json.mapper().writerWithDefaultPrettyPrinter().writeValueAsString(document) + "\n";
    }

    private T decode(Path file, String text) throws UnreadableFileException {
        try {
            JsonNode document = Json.mapper().readTree(text);
            JsonNode body = document.path("body");
            if (!document.path("format").asText("").equals(format) || !body.isObject() || document.size() != 4) {
                throw new UnreadableFileException(file, "it is not a file of the kind \"" + format + "\"");
            }
            int found = document.path("version").asInt(0);
            if (found != version || !document.path("version").isInt()) {
                throw new UnreadableFileException(
                        file, "it has version %d, this Holdfast knows version %d".formatted(found, version));
            }
            if (!document.path("sha256").asText("").equals(digest(body))) {
                throw new UnreadableFileException(file, "its checksum does not fit its content, so that it is damaged");
            }
            return Json.mapper().treeToValue(body, type);
        } catch (JsonProcessingException e) {
            throw new UnreadableFileException(
                    file, String.valueOf(Json.failure(e).getMessage()), e);
        }
    }

    private static String digest(JsonNode body) throws JsonProcessingException {
        try {
            MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
            byte[] line = Json.mapper().writeValueAsString(body).getBytes(StandardCharsets.UTF_8);
            return HexFormat.of().formatHex(sha256.digest(line));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java runtime has SHA-256", e);
        }
    }

    private static void deleteQuietly(Path file, IOException because) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            because.addSuppressed(e);
        }
    }
}
