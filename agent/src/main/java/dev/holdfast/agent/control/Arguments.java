package dev.holdfast.agent.control;

import dev.holdfast.agent.config.Quantity;
import dev.holdfast.agent.config.Suggestion;
import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * The arguments of a request, read with types. Every method throws {@link ControlException} with
 * {@link ErrorCode#BAD_REQUEST} and a message for the user if the value is missing or wrong. Immutable.
 */
public final class Arguments {
    private static final int LONGEST_TEXT = 4096;
    /** S_IFMT, S_IFREG and S_IFBLK of stat(2). */
    private static final int FILE_TYPE = 0_170000;

    private static final int REGULAR = 0_100000;
    private static final int BLOCK_DEVICE = 0_060000;

    private final JsonObject values;

    public Arguments(JsonObject values) {
        this.values = values;
    }

    /** The name of something, which must be given. */
    public Name name(String key) throws ControlException {
        return optionalName(key).orElseThrow(() -> bad("the argument \"" + key + "\" is missing"));
    }

    /** The name of something. */
    public Optional<Name> optionalName(String key) throws ControlException {
        return converted(key, Name::new);
    }

    /** Names with commas between them, as {@link #list} writes them; none if absent. */
    public Set<Name> names(String key) throws ControlException {
        return converted(
                        key,
                        list -> Arrays.stream(list.split(","))
                                .filter(name -> !name.isBlank())
                                .map(name -> new Name(name.strip()))
                                .collect(Collectors.toCollection(TreeSet::new)))
                .orElseGet(TreeSet::new);
    }

    /** How names are sent. */
    public static String list(Collection<Name> names) {
        return names.stream().map(Name::value).collect(Collectors.joining(","));
    }

    /** A text of at most 4096 characters, without control characters but line ends. */
    public Optional<String> text(String key) throws ControlException {
        Optional<String> text = read(() -> values.text(key));
        if (text.isPresent() && text.get().length() > LONGEST_TEXT) {
            throw bad("the argument \"" + key + "\" has more than " + LONGEST_TEXT + " characters");
        }
        if (text.isPresent() && text.get().chars().anyMatch(c -> Character.isISOControl(c) && c != '\n')) {
            throw bad("the argument \"" + key + "\" has control characters");
        }
        return text;
    }

    /** Whether something is wanted; false if absent. */
    public boolean flag(String key) throws ControlException {
        return flag(key, false);
    }

    /** Whether something is wanted. */
    public boolean flag(String key, boolean absent) throws ControlException {
        return read(() -> values.flag(key)).orElse(absent);
    }

    /** A whole number within bounds. */
    public Optional<Long> number(String key, long least, long most) throws ControlException {
        Optional<Long> number = read(() -> values.number(key));
        if (number.isPresent() && (number.get() < least || number.get() > most)) {
            throw bad(
                    "the argument \"%s\" is %d; use a number from %d to %d".formatted(key, number.get(), least, most));
        }
        return number;
    }

    /** A duration. */
    public Optional<Duration> duration(String key) throws ControlException {
        return converted(key, Quantity::duration);
    }

    /** A size in bytes. */
    public Optional<Long> size(String key) throws ControlException {
        return converted(key, Quantity::size);
    }

    /**
     * The absolute path of a file that is there: a regular one or a block device, after links. Nothing else that comes with a
     * request names a place in the file system; names ({@link #name}) have no slash.
     */
    public Optional<Path> file(String key) throws ControlException {
        return converted(key, Arguments::readableFile);
    }

    /** One of the words of an enum: {@code disk_only} or {@code disk-only} for {@code DISK_ONLY}. */
    public <E extends Enum<E>> Optional<E> choice(String key, Class<E> type) throws ControlException {
        return converted(key, word -> constant(word, type));
    }

    /** As they came, for the log. */
    @Override
    public String toString() {
        return values.toString();
    }

    void refuseOthersThan(Set<String> known) throws ControlException {
        for (String key : values.keys()) {
            if (!known.contains(key)) {
                String correction = Suggestion.forWord(key, known)
                        .map(word -> "did you mean \"" + word + "\"?")
                        .orElse("known arguments: " + String.join(", ", new TreeSet<>(known)));
                String shown = key.replaceAll("\\p{Cntrl}", "?");
                throw new ControlException(
                        ErrorCode.BAD_REQUEST,
                        "unknown argument \"" + shown.substring(0, Math.min(64, shown.length())) + "\"",
                        "",
                        correction);
            }
        }
    }

    private interface Reading<T> {
        T read() throws JsonException;
    }

    private interface Conversion<T> {
        T convert(String text);
    }

    private <T> Optional<T> converted(String key, Conversion<T> conversion) throws ControlException {
        Optional<String> text = text(key);
        if (text.isEmpty()) {
            return Optional.empty();
        }
        try {
            return Optional.of(conversion.convert(text.get()));
        } catch (IllegalArgumentException e) {
            throw bad(key + ": " + e.getMessage());
        }
    }

    private static <T> T read(Reading<T> reading) throws ControlException {
        try {
            return reading.read();
        } catch (JsonException e) {
            throw bad("the argument " + e.getMessage());
        }
    }

    private static Path readableFile(String text) {
        Path path = absolutePath(text);
        try {
            int type = ((Number) Files.getAttribute(path, "unix:mode")).intValue() & FILE_TYPE;
            if (type != REGULAR && type != BLOCK_DEVICE) {
                throw new IllegalArgumentException(path + " is neither a file nor a block device");
            }
            return path;
        } catch (IOException e) {
            throw new IllegalArgumentException("the file " + path + " cannot be read: " + e.getMessage(), e);
        }
    }

    private static Path absolutePath(String text) {
        try {
            Path path = Path.of(text);
            if (!path.isAbsolute()) {
                throw new IllegalArgumentException("the path \"" + text + "\" is not absolute; begin with /");
            }
            return path.normalize();
        } catch (InvalidPathException e) {
            throw new IllegalArgumentException("this is not a path: " + e.getReason(), e);
        }
    }

    private static <E extends Enum<E>> E constant(String word, Class<E> type) {
        String wanted = word.replace('-', '_').toUpperCase(Locale.ROOT);
        List<String> words = Arrays.stream(type.getEnumConstants())
                .map(value -> value.name().toLowerCase(Locale.ROOT))
                .toList();
        for (E value : type.getEnumConstants()) {
            if (value.name().equals(wanted)) {
                return value;
            }
        }
        throw new IllegalArgumentException("\"" + word + "\" is not known; use one of " + String.join(", ", words));
    }

    private static ControlException bad(String message) {
        return ControlException.of(ErrorCode.BAD_REQUEST, message);
    }
}
