package dev.holdfast.agent.config;

import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Texts with a unit, as configuration files and the command line use them: durations ({@code 250ms}, {@code 5s},
 * {@code 10m}, {@code 1h}) and sizes in powers of 1024 ({@code 256M}, {@code 2G}).
 */
public final class Quantity {
    private static final Pattern FORM = Pattern.compile("(\\d{1,15})\\s*([A-Za-z]*)");
    private static final Duration LONGEST = Duration.ofDays(366);
    private static final Map<String, Duration> TIME_UNITS = Map.of(
            "ms", Duration.ofMillis(1),
            "s", Duration.ofSeconds(1),
            "m", Duration.ofMinutes(1),
            "min", Duration.ofMinutes(1),
            "h", Duration.ofHours(1));
    private static final Map<String, Long> SIZE_UNITS =
            new TreeMap<>(Map.of("K", 1L << 10, "M", 1L << 20, "G", 1L << 30, "T", 1L << 40));

    private Quantity() {}

    /**
     * Reads a duration. A bare number is refused, because nobody can tell seconds from milliseconds.
     *
     * @throws IllegalArgumentException with a message for the user
     */
    public static Duration duration(String text) {
        Matcher matcher = FORM.matcher(text.strip());
        Duration unit = matcher.matches() ? TIME_UNITS.get(matcher.group(2).toLowerCase(Locale.ROOT)) : null;
        if (unit == null) {
            throw new IllegalArgumentException("\"" + printable(text)
                    + "\" is not a duration; write a whole number and a unit: \"250ms\", \"5s\", \"10m\" or \"1h\"");
        }
        long number = Long.parseLong(matcher.group(1));
        if (number > LONGEST.toMillis() / unit.toMillis()) {
            throw new IllegalArgumentException("\"" + printable(text) + "\" is longer than a year");
        }
        return unit.multipliedBy(number);
    }

    /**
     * Reads a size in bytes. A bare number is refused: some tools mean bytes, others MiB.
     *
     * @throws IllegalArgumentException with a message for the user
     */
    public static long size(String text) {
        Matcher matcher = FORM.matcher(text.strip());
        Long unit = matcher.matches() ? SIZE_UNITS.get(sizeUnit(matcher.group(2))) : null;
        if (unit == null) {
            throw new IllegalArgumentException("\"" + printable(text)
                    + "\" is not a size; write a whole number and a unit (powers of 1024): \"256M\" or \"2G\"");
        }
        try {
            return Math.multiplyExact(Long.parseLong(matcher.group(1)), unit);
        } catch (ArithmeticException e) {
            throw new IllegalArgumentException("\"" + printable(text) + "\" is larger than any memory", e);
        }
    }

    /** The shortest text that reads back as this duration. */
    public static String text(Duration duration) {
        long millis = duration.toMillis();
        if (millis % 1000 != 0 || millis == 0) {
            return millis + "ms";
        }
        long seconds = millis / 1000;
        if (seconds % 3600 == 0) {
            return seconds / 3600 + "h";
        }
        return seconds % 60 == 0 ? seconds / 60 + "m" : seconds + "s";
    }

    /** The shortest text that reads back as this size; sizes below 1 KiB are rounded down to it. */
    public static String text(long bytes) {
        String best = (bytes >> 10) + "K";
        for (Map.Entry<String, Long> unit : SIZE_UNITS.entrySet()) {
            if (bytes > 0 && bytes % unit.getValue() == 0) {
                String candidate = bytes / unit.getValue() + unit.getKey();
                best = candidate.length() < best.length() ? candidate : best;
            }
        }
        return best;
    }

    private static String sizeUnit(String unit) {
        String upper = unit.toUpperCase(Locale.ROOT);
        boolean longForm = upper.length() > 1 && (upper.endsWith("IB") || upper.endsWith("B"));
        return longForm ? upper.substring(0, 1) : upper;
    }

    private static String printable(String text) {
        String clean = text.replaceAll("\\p{Cntrl}", "?");
        return clean.length() > 40 ? clean.substring(0, 40) + "..." : clean;
    }
}
