package dev.holdfast.agent.snapshot.chain;

import dev.holdfast.coordinator.protocol.Name;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A change of a chain that is under way, as {@code intent.json} keeps it: whoever opens the chain next can finish it or take
 * it back. Immutable.
 *
 * @param operation who makes the change: a round's id, or an id of the agent's own
 * @param kind what kind of change
 * @param snapshot the snapshot that is made or gone back to, if any
 * @param branch revert only: the name that the old head gets
 * @param fromGeneration the head before the change; 0 for a merge or a keep
 * @param toGeneration the head after it; 0 for a merge or a keep
 * @param from file name of each disk's layer before the change; for a keep or a clone, what is copied
 * @param to file name of each disk's layer after it; for a keep or a clone, the copy
 * @param top merge only: file name of the layer that goes
 * @param base merge only: file name of the layer that takes its content
 * @param after revert only: what the machine was before it was held, or that somebody has stopped it meanwhile
 */
public record Intent(
        String operation,
        Kind kind,
        Optional<Name> snapshot,
        Optional<Name> branch,
        int fromGeneration,
        int toGeneration,
        SortedMap<String, String> from,
        SortedMap<String, String> to,
        Optional<String> top,
        Optional<String> base,
        After after) {

    /** Whether the machine runs when a revert is over. */
    public enum After {
        /** It does, unless the revert itself says otherwise. */
        RUNNING,
        /** A person had paused it: the old side stays so. */
        PAUSED,
        /** It was stopped while the revert was not decided: neither side runs. */
        STOPPED
    }

    /** What is being done to the chain. */
    public enum Kind {
        /** New layers on top of the head; without a snapshot's name only to make the old ones read-only. */
        CUT,
        /** New layers on top of a snapshot. */
        REVERT,
        /** One layer goes into the one below it. */
        MERGE,
        /** Layers that snapshots name are copied, and the snapshots get the copies. */
        KEEP,
        /** Copies of the layers that the machine writes, and the snapshot gets them; the head stays. */
        CLONE,
        /** The running machine's disks go back into the images below the layers of the head. */
        SETTLE
    }

    /** Copies the maps. */
    public Intent {
        from = Collections.unmodifiableSortedMap(new TreeMap<>(from));
        to = Collections.unmodifiableSortedMap(new TreeMap<>(to));
    }

    /** New layers on top of the head. */
    public static Intent cut(String operation, Optional<Name> snapshot, Generation from, Generation to) {
        return ofHead(operation, Kind.CUT, snapshot, from, to);
    }

    private static Intent ofHead(String operation, Kind kind, Optional<Name> snapshot, Generation from, Generation to) {
        return new Intent(
                operation,
                kind,
                snapshot,
                Optional.empty(),
                from.number(),
                to.number(),
                names(from),
                names(to),
                Optional.empty(),
                Optional.empty(),
                After.RUNNING);
    }

    /**
     * Copies of the layers that the machine writes.
     *
     * @param copies for each layer of the head
     */
    public static Intent clone(String operation, Name snapshot, Generation head, Generation copies) {
        return new Intent(
                operation,
                Kind.CLONE,
                Optional.of(snapshot),
                Optional.empty(),
                head.number(),
                head.number(),
                names(head),
                names(copies),
                Optional.empty(),
                Optional.empty(),
                After.RUNNING);
    }

    /** New layers on top of a snapshot. */
    public static Intent revert(String operation, Name snapshot, Name branch, Generation from, Generation to) {
        return new Intent(
                operation,
                Kind.REVERT,
                Optional.of(snapshot),
                Optional.of(branch),
                from.number(),
                to.number(),
                names(from),
                names(to),
                Optional.empty(),
                Optional.empty(),
                After.RUNNING);
    }

    /** One layer goes into the one below it. */
    public static Intent merge(String operation, Layer top, Layer base) {
        return new Intent(
                operation,
                Kind.MERGE,
                Optional.empty(),
                Optional.empty(),
                0,
                0,
                new TreeMap<>(),
                new TreeMap<>(),
                Optional.of(top.fileName()),
                Optional.of(base.fileName()),
                After.RUNNING);
    }

    /** A layer that a snapshot names is copied. */
    public static Intent keep(String operation, Layer root, Layer copy) {
        return keep(operation, new TreeMap<>(Map.of(root, copy)));
    }

    /**
     * Layers that snapshots name are copied.
     *
     * @param copies by the layer; one of each disk at most
     */
    public static Intent keep(String operation, SortedMap<Layer, Layer> copies) {
        TreeMap<String, String> from = new TreeMap<>();
        TreeMap<String, String> to = new TreeMap<>();
        copies.forEach((root, copy) -> {
            from.put(root.disk(), root.fileName());
            to.put(root.disk(), copy.fileName());
        });
        return new Intent(
                operation,
                Kind.KEEP,
                Optional.empty(),
                Optional.empty(),
                0,
                0,
                from,
                to,
                Optional.empty(),
                Optional.empty(),
                After.RUNNING);
    }

    /**
     * The running machine's disks go back into the images below the layers of the head.
     *
     * @param to the same as before, with those images for the disks that go back
     */
    public static Intent settle(String operation, Generation from, Generation to) {
        return ofHead(operation, Kind.SETTLE, Optional.empty(), from, to);
    }

    /** Of a settle: the images that disks go back into, by the layers that go for it. */
    public SortedMap<Layer, Layer> homes() {
        TreeMap<Layer, Layer> homes = new TreeMap<>();
        SortedMap<String, Layer> after = toHead().layers();
        fromHead().layers().forEach((disk, layer) -> {
            if (!layer.equals(after.get(disk))) {
                homes.put(layer, after.get(disk));
            }
        });
        return Collections.unmodifiableSortedMap(homes);
    }

    /** Of a keep: the copies, by the layers that are copied. */
    public SortedMap<Layer, Layer> copies() {
        TreeMap<Layer, Layer> copies = new TreeMap<>();
        from.forEach((disk, root) -> copies.put(Layer.parse(root), Layer.parse(to.get(disk))));
        return Collections.unmodifiableSortedMap(copies);
    }

    /** The same, with another end for the machine. */
    public Intent with(After end) {
        return new Intent(operation, kind, snapshot, branch, fromGeneration, toGeneration, from, to, top, base, end);
    }

    /** The generation before the change. Not for a merge or a keep. */
    public Generation fromHead() {
        return generation(fromGeneration, from);
    }

    /** The generation after the change. Not for a merge or a keep. */
    public Generation toHead() {
        return generation(toGeneration, to);
    }

    /** For a cut or a clone, the layers that hold what was captured. */
    public Generation captured() {
        return kind == Kind.CLONE ? toHead() : fromHead();
    }

    private static Generation generation(int number, SortedMap<String, String> names) {
        TreeMap<String, Layer> layers = new TreeMap<>();
        names.forEach((disk, name) -> layers.put(disk, Layer.parse(name)));
        return new Generation(number, layers);
    }

    private static SortedMap<String, String> names(Generation generation) {
        TreeMap<String, String> names = new TreeMap<>();
        generation.layers().forEach((disk, layer) -> names.put(disk, layer.fileName()));
        return names;
    }
}
