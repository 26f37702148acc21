package dev.holdfast.agent.config;

import dev.holdfast.coordinator.protocol.Name;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.tomlj.TomlArray;
import org.tomlj.TomlPosition;
import org.tomlj.TomlTable;

/**
 * Reads one table of a TOML file with types. A value that is wrong is reported and replaced by the fallback, so that
 * reading goes on and finds the next problem. A key counts as known once it was asked for; {@link #finish()} reports the
 * others. Confined to one thread.
 */
final class TableReader {
    private final Path file;
    private final TomlTable table;
    private final String prefix;
    private final List<Problem> problems;
    private final @Nullable TomlPosition header;
    private final Set<String> known = new TreeSet<>();

    TableReader(Path file, TomlTable table, String prefix, @Nullable TomlPosition header, List<Problem> problems) {
        this.file = file;
        this.table = table;
        this.prefix = prefix;
        this.header = header;
        this.problems = problems;
    }

    Optional<String> text(String key) {
        return value(key, String.class, "a text in quotes");
    }

    String text(String key, String fallback) {
        return text(key).orElse(fallback);
    }

    /** Reports a missing key; the empty text then stands for it. */
    String requiredText(String key) {
        if (!has(key)) {
            problem(key, "the key \"" + prefix + key + "\" is missing", "add it: " + key + " = \"...\"");
        }
        return text(key, "");
    }

    boolean has(String key) {
        known.add(key);
        return table.keySet().contains(key);
    }

    boolean flag(String key, boolean fallback) {
        return value(key, Boolean.class, "true or false").orElse(fallback);
    }

    int integer(String key, int fallback, int least, int most) {
        long number = value(key, Long.class, "a whole number").orElse((long) fallback);
        if (number < least || number > most) {
            problem(key, quoted(key) + " is " + number, "use a number from " + least + " to " + most);
            return fallback;
        }
        return (int) number;
    }

    Duration duration(String key, Duration fallback, Duration least, Duration most) {
        Duration duration = converted(key, Quantity::duration).orElse(fallback);
        if (duration.compareTo(least) < 0 || duration.compareTo(most) > 0) {
            String range = "use a duration from %s to %s".formatted(Quantity.text(least), Quantity.text(most));
            problem(key, quoted(key) + " is " + Quantity.text(duration), range);
            return fallback;
        }
        return duration;
    }

    long size(String key, long fallback, long least, long most) {
        long bytes = converted(key, Quantity::size).orElse(fallback);
        if (bytes < least || bytes > most) {
            String range = "use a size from %s to %s".formatted(Quantity.text(least), Quantity.text(most));
            problem(key, quoted(key) + " is " + Quantity.text(bytes), range);
            return fallback;
        }
        return bytes;
    }

    Optional<Name> name(String key) {
        return converted(key, Name::new);
    }

    Optional<Path> path(String key) {
        return converted(key, TableReader::parsePath)
                .filter(path -> isAbsolute(key, path))
                .map(Path::normalize);
    }

    List<Path> paths(String key) {
        List<Path> paths = new ArrayList<>();
        for (String text : texts(key)) {
            try {
                Path path = parsePath(text);
                if (isAbsolute(key, path)) {
                    paths.add(path.normalize());
                }
            } catch (IllegalArgumentException e) {
                problem(key, quoted(key) + ": " + e.getMessage(), "");
            }
        }
        return paths;
    }

    private boolean isAbsolute(String key, Path path) {
        if (!path.isAbsolute()) {
            problem(
                    key,
                    quoted(key) + " is the relative path \"" + path + "\", and a daemon has no place of its own",
                    "write the whole path, beginning with /");
        }
        return path.isAbsolute();
    }

    <E extends Enum<E>> E choice(String key, Class<E> type, E fallback) {
        return converted(key, word -> parseChoice(word, type)).orElse(fallback);
    }

    List<String> texts(String key) {
        Optional<TomlArray> array = value(key, TomlArray.class, "a list of texts: [\"...\", \"...\"]");
        List<String> texts = new ArrayList<>();
        for (int i = 0; array.isPresent() && i < array.get().size(); i++) {
            if (array.get().get(i) instanceof String text) {
                texts.add(text);
            } else {
                wrongType(
                        key,
                        "element " + (i + 1) + " of " + quoted(key),
                        "a text in quotes",
                        array.get().get(i));
            }
        }
        return texts;
    }

    /** A table that may be absent; all its keys then have their fallbacks. */
    TableReader table(String key) {
        Optional<TomlTable> found = value(key, TomlTable.class, "a table: [" + prefix + key + "]");
        TomlTable content = found.orElseGet(() -> org.tomlj.Toml.parse(""));
        return new TableReader(file, content, prefix + key + ".", position(key), problems);
    }

    /** The tables of {@code [[key]]}, in order. */
    List<TableReader> tables(String key) {
        Optional<TomlArray> array = value(key, TomlArray.class, "a table: [[" + key + "]]");
        List<TableReader> readers = new ArrayList<>();
        for (int i = 0; array.isPresent() && i < array.get().size(); i++) {
            TomlPosition place = array.get().inputPositionOf(i);
            if (array.get().get(i) instanceof TomlTable content) {
                readers.add(new TableReader(file, content, key + ".", place, problems));
            } else {
                wrongType(
                        key,
                        "element " + (i + 1) + " of " + quoted(key),
                        "a table: [[" + key + "]]",
                        array.get().get(i));
            }
        }
        return readers;
    }

    /** Reports something about a key, or about the table when the key is absent. */
    void problem(String key, String what, String correction) {
        TomlPosition place = position(key);
        TomlPosition best = place == null ? header : place;
        problems.add(
                new Problem(file, best == null ? 0 : best.line(), best == null ? 0 : best.column(), what, correction));
    }

    /** {@code file:line} of a key or its table, for messages that point at a second place. */
    String place(String key) {
        TomlPosition place = position(key);
        TomlPosition best = place == null ? header : place;
        return best == null ? file.toString() : file + ":" + best.line();
    }

    /**
     * Reports the keys nobody asked for. Call it last.
     *
     * @return whether there were none
     */
    boolean finish() {
        for (String key : table.keySet()) {
            if (!known.contains(key)) {
                String correction = Suggestion.forWord(key, known)
                        .map(word -> "did you mean \"" + word + "\"?")
                        .orElse("known keys here: " + String.join(", ", known));
                problem(key, "unknown key \"" + prefix + key + "\"", correction);
            }
        }
        return known.containsAll(table.keySet());
    }

    boolean isOfSameFile(TableReader other) {
        return file.equals(other.file);
    }

    private <T> Optional<T> converted(String key, Function<String, T> conversion) {
        Optional<String> text = text(key);
        try {
            return text.map(conversion);
        } catch (IllegalArgumentException e) {
            problem(key, quoted(key) + ": " + e.getMessage(), "");
            return Optional.empty();
        }
    }

    private <T> Optional<T> value(String key, Class<T> type, String expected) {
        known.add(key);
        Object value = table.get(List.of(key));
        if (value == null || type.isInstance(value)) {
            return Optional.ofNullable(type.cast(value));
        }
        wrongType(key, quoted(key), expected, value);
        return Optional.empty();
    }

    private void wrongType(String key, String subject, String expected, Object value) {
        problem(key, subject + " is " + kind(value), "write " + expected);
    }

    private String quoted(String key) {
        return "\"" + prefix + key + "\"";
    }

    private @Nullable TomlPosition position(String key) {
        return table.inputPositionOf(List.of(key));
    }

    private static Path parsePath(String text) {
        if (text.isEmpty() || text.chars().anyMatch(Character::isISOControl)) {
            throw new IllegalArgumentException("a path must have at least one character, and no control characters");
        }
        try {
            return Path.of(text);
        } catch (InvalidPathException e) {
            throw new IllegalArgumentException("this is not a path: " + e.getReason(), e);
        }
    }

    private static <E extends Enum<E>> E parseChoice(String word, Class<E> type) {
        List<String> words = Arrays.stream(type.getEnumConstants())
                .map(value -> value.name().toLowerCase(Locale.ROOT))
                .toList();
        int index = words.indexOf(word);
        if (index < 0) {
            throw new IllegalArgumentException("\"" + word + "\" is not known; use "
                    + words.stream().map(value -> "\"" + value + "\"").collect(Collectors.joining(" or ")));
        }
        return type.getEnumConstants()[index];
    }

    private static String kind(Object value) {
        if (value instanceof String) {
            return "a text";
        }
        if (value instanceof Long || value instanceof Double) {
            return "the number " + value;
        }
        if (value instanceof Boolean) {
            return "the word " + value;
        }
        return value instanceof TomlTable ? "a table" : value instanceof TomlArray ? "a list" : "a date";
    }
}
