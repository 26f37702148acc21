package dev.holdfast.agent.snapshot.chain;

import dev.holdfast.agent.hypervisor.ImageForm;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One image of a chain. Its name never changes and is never used again. Immutable.
 *
 * @param disk the disk it belongs to: letters, digits, dots, dashes and underscores
 * @param number the generation it was made for, from 1
 * @param form how it is to be read; only qcow2 stands on other layers
 */
public record Layer(String disk, int number, ImageForm form) implements Comparable<Layer> {
    private static final Pattern FILE = Pattern.compile("([A-Za-z0-9][A-Za-z0-9._-]{0,63})-([0-9]{6,9})\\.[a-z0-9]+");
    private static final Comparator<Layer> ORDER =
            Comparator.comparing(Layer::disk).thenComparingInt(Layer::number).thenComparing(Layer::form);

    /** @throws IllegalArgumentException if this could not be the name of a file */
    public Layer {
        if (number < 1 || !FILE.matcher(fileName(disk, number, form)).matches()) {
            throw new IllegalArgumentException("no layer can be called " + fileName(disk, number, form));
        }
    }

    /** One that can stand on another: all that Holdfast makes. */
    public Layer(String disk, int number) {
        this(disk, number, ImageForm.QCOW2);
    }

    /** The layer that has this file name, or empty if none can have it. */
    public static Optional<Layer> fromFileName(String name) {
        Matcher matcher = FILE.matcher(name);
        return matcher.matches()
                ? ImageForm.saidBy(Path.of(name))
                        .map(form -> new Layer(matcher.group(1), Integer.parseInt(matcher.group(2)), form))
                : Optional.empty();
    }

    /** @throws IllegalArgumentException if no layer can have this file name */
    public static Layer parse(String name) {
        return fromFileName(name)
                .orElseThrow(() -> new IllegalArgumentException("\"" + name + "\" is not the name of a layer"));
    }

    /** The file's name in {@code layers/}. */
    public String fileName() {
        return fileName(disk, number, form);
    }

    /** The name of the link to it in a generation. It says the form, too, so that whoever takes that for granted finds nothing else. */
    String linkName() {
        return form.fileName(disk);
    }

    private static String fileName(String disk, int number, ImageForm form) {
        return form.fileName("%s-%06d".formatted(disk, number));
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
