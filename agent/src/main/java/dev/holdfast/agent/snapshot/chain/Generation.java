package dev.holdfast.agent.snapshot.chain;

import java.util.Collection;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Which layer of each disk is written: what the head can point to. Immutable.
 *
 * @param number from 1, never used twice in a chain
 * @param layers one for each disk, by the disk's id
 */
public record Generation(int number, SortedMap<String, Layer> layers) {

    /** @throws IllegalArgumentException if a layer stands under another disk's id, or there is none */
    public Generation {
        layers = Collections.unmodifiableSortedMap(new TreeMap<>(layers));
        if (layers.isEmpty() || number < 1) {
            throw new IllegalArgumentException("generation " + number + " has no disks");
        }
        layers.forEach((disk, layer) -> {
            if (!layer.disk().equals(disk)) {
                throw new IllegalArgumentException("disk %s cannot be in layer %s".formatted(disk, layer));
            }
        });
    }

    /** New, empty layers for the same disks, with the number of the generation. */
    public static Generation fresh(int number, Collection<String> disks) {
        TreeMap<String, Layer> layers = new TreeMap<>();
        disks.forEach(disk -> layers.put(disk, new Layer(disk, number)));
        return new Generation(number, layers);
    }

    /** The same with one layer in place of another. */
    public Generation with(int newNumber, Layer from, Layer to) {
        TreeMap<String, Layer> changed = new TreeMap<>(layers);
        changed.replaceAll((disk, layer) -> layer.equals(from) ? to : layer);
        return new Generation(newNumber, changed);
    }

    /** The directory's name in {@code generations/}. */
    public String directoryName() {
        return directoryName(number);
    }

    static String directoryName(int number) {
        return "%06d".formatted(number);
    }
}
