package dev.holdfast.agent.snapshot.chain;

import java.util.Comparator;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One image file of a chain. Its name never changes and is never used again. Immutable.
 *
 * @param disk the disk it belongs to: letters, digits, dots, dashes and underscores
 * @param number the generation it was made for, from 1
 */
public record Layer(String disk, int number) implements Comparable<Layer> {
    private static final Pattern FILE = Pattern.compile("([A-Za-z0-9][A-Za-z0-9._-]{0,63})-([0-9]{6,9})\\.qcow2");
    private static final Comparator<Layer> ORDER =
            Comparator.comparing(Layer::disk).thenComparingInt(Layer::number);

    /** @throws IllegalArgumentException if this could not be the name of a file */
    public Layer {
        if (number < 1 || !FILE.matcher(fileName(disk, number)).matches()) {
            throw new IllegalArgumentException("no layer can be called " + fileName(disk, number));
        }
    }

    /** The layer that has this file name, or empty if none can have it. */
    public static Optional<Layer> fromFileName(String name) {
        Matcher matcher = FILE.matcher(name);
        return matcher.matches()
                ? Optional.of(new Layer(matcher.group(1), Integer.parseInt(matcher.group(2))))
                : Optional.empty();
    }

    /** @throws IllegalArgumentException if no layer can have this file name */
    public static Layer parse(String name) {
        return fromFileName(name)
                .orElseThrow(() -> new IllegalArgumentException("\"" + name + "\" is not the name of a layer"));
    }

    /** The file's name in {@code layers/}. */
    public String fileName() {
        return fileName(disk, number);
    }

    private static String fileName(String disk, int number) {
        return "%s-%06d.qcow2".formatted(disk, number);
    }

    @Override
    public int compareTo(Layer other) {
        return ORDER.compare(this, other);
    }

    @Override
    public String toString() {
        return fileName();
    }
}
