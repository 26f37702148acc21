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
 * @param of the number of the layer whose content it is a copy of; 0 if it is none
 */
public record Layer(String disk, int number, ImageForm form, int of) implements Comparable<Layer> {
    /** The disk's part is as short as can be: {@code d0-000004-of-000001.raw} is of {@code d0}. */
    private static final Pattern FILE =
            Pattern.compile("([A-Za-z0-9][A-Za-z0-9._-]{0,63}?)-([0-9]{6,9})(?:-of-([0-9]{6,9}))?\\.[a-z0-9]+");

    private static final Comparator<Layer> ORDER = Comparator.comparing(Layer::disk)
            .thenComparingInt(Layer::number)
            .thenComparing(Layer::form)
            .thenComparingInt(Layer::of);

    /** @throws IllegalArgumentException if this could not be the name of a file */
    public Layer {
        String file = form.fileName(name(disk, number, of));
        Matcher matcher = FILE.matcher(file);
        if (number < 1 || of < 0 || !matcher.matches() || !matcher.group(1).equals(disk)) {
            throw new IllegalArgumentException("no layer can be called " + file);
        }
    }

    /** One that is no copy. */
    public Layer(String disk, int number, ImageForm form) {
        this(disk, number, form, 0);
    }

    /** One that can stand on another: all that Holdfast makes. */
    public Layer(String disk, int number) {
        this(disk, number, ImageForm.QCOW2);
    }

    /** The layer that has this file name, or empty if none can have it. */
    public static Optional<Layer> fromFileName(String name) {
        Matcher matcher = FILE.matcher(name);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        int number = Integer.parseInt(matcher.group(2));
        int of = matcher.group(3) == null ? 0 : Integer.parseInt(matcher.group(3));
        return ImageForm.saidBy(Path.of(name)).map(form -> new Layer(matcher.group(1), number, form, of));
    }

    /** @throws IllegalArgumentException if no layer can have this file name */
    public static Layer parse(String name) {
        return fromFileName(name)
                .orElseThrow(() -> new IllegalArgumentException("\"" + name + "\" is not the name of a layer"));
    }

    /** The file's name in {@code layers/}. */
    public String fileName() {
        return form.fileName(name());
    }

    /** The same without the form. */
    public String name() {
        return name(disk, number, of);
    }

    /** The copy of it that gets that number. */
    public Layer copy(int copyNumber) {
        return copy(copyNumber, form);
    }

    /** The copy of it that gets that number, in another form. */
    public Layer copy(int copyNumber, ImageForm copyForm) {
        return new Layer(disk, copyNumber, copyForm, number);
    }

    /** Whether it can be read only as long as another one is there, although it does not stand on it. */
    boolean livesWith(Layer origin) {
        return form == ImageForm.COW && disk.equals(origin.disk) && of == origin.number;
    }

    /** Whether what stands on it can go into it. */
    boolean isWritable() {
        return form != ImageForm.COW;
    }

    /** The copy of it that gets that number and can stand on another copy of it. */
    public Layer increment(int copyNumber) {
        return new Layer(disk, copyNumber, ImageForm.QCOW2, number);
    }

    /** Whether its content was copied from another layer. */
    public boolean isCopy() {
        return of > 0;
    }

    /** Whether it is an {@link #increment} of that layer. */
    public boolean isIncrementOf(Layer other) {
        return form == ImageForm.QCOW2 && other.form != form && disk.equals(other.disk) && of == other.number;
    }

    /** The name of the link to it in a generation. It says the form, too, so that whoever takes that for granted finds nothing else. */
    String linkName() {
        return form.fileName(disk);
    }

    private static String name(String disk, int number, int of) {
        String own = "%s-%06d".formatted(disk, number);
        return of == 0 ? own : own + "-of-%06d".formatted(of);
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
