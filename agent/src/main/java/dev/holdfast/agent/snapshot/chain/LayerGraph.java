package dev.holdfast.agent.snapshot.chain;

import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.coordinator.protocol.Name;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Which layer stands on which, which of them are named, and by whom. A named layer must go on reading what it reads; an
 * unnamed one only serves those above it. Immutable, pure.
 *
 * @param backing the layer below each layer, if it stands on one
 * @param head the generation that the head points to
 * @param snapshots the layers that each snapshot names
 */
public record LayerGraph(
        SortedMap<Layer, Optional<Layer>> backing, Generation head, SortedMap<Name, Set<Layer>> snapshots) {

    /** Something that can be done to unnamed layers. */
    public sealed interface Tidying {
        /** How the graph looks afterwards. */
        LayerGraph after(LayerGraph graph);

        /** Does one thing or another. */
        <R, E extends Exception> R match(
                Case<Drop, R, E> drop, Case<Join, R, E> join, Case<Keep, R, E> keep, Case<Settle, R, E> settle)
                throws E;
    }

    /** What to do with one kind of tidying. */
    public interface Case<T, R, E extends Exception> {
        /** Does it. */
        R apply(T tidying) throws E;
    }

    /** Nothing stands on it and nothing names it. */
    public record Drop(Layer layer) implements Tidying {
        @Override
        public LayerGraph after(LayerGraph graph) {
            return graph.without(layer);
        }

        @Override
        public <R, E extends Exception> R match(
                Case<Drop, R, E> drop, Case<Join, R, E> join, Case<Keep, R, E> keep, Case<Settle, R, E> settle)
                throws E {
            return drop.apply(this);
        }
    }

    /** The base is unnamed and only the top stands on it: the top's content can go into it. */
    public record Join(Layer top, Layer base) implements Tidying {
        @Override
        public LayerGraph after(LayerGraph graph) {
            return graph.joined(top, base);
        }

        @Override
        public <R, E extends Exception> R match(
                Case<Drop, R, E> drop, Case<Join, R, E> join, Case<Keep, R, E> keep, Case<Settle, R, E> settle)
                throws E {
            return join.apply(this);
        }
    }

    /** The live layers of a disk stand on a raw one that a snapshot names: that can be copied, and the snapshot get the copy. */
    public record Keep(Layer root) implements Tidying {
        @Override
        public LayerGraph after(LayerGraph graph) {
            return graph.kept(root);
        }

        @Override
        public <R, E extends Exception> R match(
                Case<Drop, R, E> drop, Case<Join, R, E> join, Case<Keep, R, E> keep, Case<Settle, R, E> settle)
                throws E {
            return keep.apply(this);
        }
    }

    /**
     * Only the layers of the head stand on raw ones that no snapshot names: the running machine can write those again.
     *
     * @param disks the layer of the head and the one below, of each disk for which that is so
     */
    public record Settle(List<Join> disks) implements Tidying {
        /** Copies the list. */
        public Settle {
            disks = List.copyOf(disks);
        }

        @Override
        public LayerGraph after(LayerGraph graph) {
            LayerGraph settled = graph;
            for (Join disk : disks) {
                settled = disk.after(settled);
            }
            return settled;
        }

        @Override
        public <R, E extends Exception> R match(
                Case<Drop, R, E> drop, Case<Join, R, E> join, Case<Keep, R, E> keep, Case<Settle, R, E> settle)
                throws E {
            return settle.apply(this);
        }
    }

    /** What can be done with the layers of the head. */
    public enum HeadUse {
        /** Nobody writes them. */
        FREE,
        /** A machine writes them: they cannot go into others. */
        WRITTEN,
        /** A machine writes them, and can turn to the images below. */
        TURNS
    }

    /** Copies the maps. */
    public LayerGraph {
        backing = Collections.unmodifiableSortedMap(new TreeMap<>(backing));
        TreeMap<Name, Set<Layer>> copy = new TreeMap<>();
        snapshots.forEach((name, layers) -> copy.put(name, Set.copyOf(layers)));
        snapshots = Collections.unmodifiableSortedMap(copy);
    }

    /** Something that needs a layer, in words: {@code the head names}. */
    private record Need(Layer layer, String words) {}

    private List<Need> unmet() {
        List<Need> needs = new ArrayList<>();
        backing.forEach((layer, below) ->
                below.ifPresent(base -> needs.add(new Need(base, "layers/%s stands on".formatted(layer)))));
        head.layers().values().forEach(layer -> needs.add(new Need(layer, "the head names")));
        snapshots.forEach((name, layers) -> new TreeSet<>(layers)
                .forEach(layer -> needs.add(new Need(layer, "snapshots/%s.json names".formatted(name)))));
        needs.removeIf(need -> backing.containsKey(need.layer()));
        return needs;
    }

    /** The layers that are needed and not there, with what needs each, for people. */
    public SortedMap<Layer, String> missing() {
        TreeMap<Layer, String> missing = new TreeMap<>();
        unmet().forEach(need -> missing.merge(need.layer(), need.words() + " it", (one, other) -> one + ", " + other));
        return missing;
    }

    /** What is wrong with a chain on which no change is under way, for people; empty if it is whole. */
    public List<String> problems() {
        List<String> problems = new ArrayList<>();
        unmet().forEach(need -> problems.add("%s layers/%s, which is missing".formatted(need.words(), need.layer())));
        problems.addAll(faults());
        return problems;
    }

    /** What is wrong with it apart from missing layers. */
    public List<String> faults() {
        List<String> problems = new ArrayList<>();
        head.layers()
                .values()
                .forEach(layer -> children(layer)
                        .forEach(child -> problems.add(
                                "the head names layers/%s, on which layers/%s stands: it is not the newest head"
                                        .formatted(layer, child))));
        backing.keySet().stream()
                .filter(layer -> Set.copyOf(chain(layer)).size() < chain(layer).size())
                .forEach(layer -> problems.add("layers/%s stands on itself".formatted(layer)));
        return problems;
    }

    /** The layer and everything it stands on, from the top down. Ends after a cycle was gone through once. */
    public List<Layer> chain(Layer layer) {
        List<Layer> chain = new ArrayList<>();
        Optional<Layer> next = Optional.of(layer);
        while (next.isPresent() && chain.size() <= backing.size()) {
            chain.add(next.get());
            next = backing.getOrDefault(next.get(), Optional.empty());
        }
        return chain;
    }

    /** What stands directly on the layer. */
    public SortedSet<Layer> children(Layer layer) {
        Optional<Layer> base = Optional.of(layer);
        return backing.keySet().stream()
                .filter(each -> backing.get(each).equals(base))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** The snapshots that name the layer. */
    public SortedSet<Name> namedBy(Layer layer) {
        return snapshots.keySet().stream()
                .filter(each -> snapshots.get(each).contains(layer))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** Whether the head names the layer: it is the one that is written. */
    public boolean isHead(Layer layer) {
        return layer.equals(head.layers().get(layer.disk()));
    }

    /** Whether anything but other layers needs it. */
    public boolean isNamed(Layer layer) {
        return isHead(layer) || !namedBy(layer).isEmpty();
    }

    /** Whether nothing needs it: neither a name nor a layer, nor a copy that lives only as long as it. */
    public boolean isNeedless(Layer layer) {
        return !isNamed(layer) && children(layer).isEmpty() && !isOrigin(layer);
    }

    private boolean isOrigin(Layer layer) {
        return backing.keySet().stream().anyMatch(copy -> copy.livesWith(layer));
    }

    /** How many layers the deepest disk of the head has. */
    public int depth() {
        return head.layers().values().stream()
                .mapToInt(layer -> chain(layer).size())
                .max()
                .orElse(0);
    }

    /** The snapshot that this set of layers was written on top of: the nearest one below, or the newest one that was copied from there. */
    public Optional<Name> parent(Generation layers) {
        for (Layer layer : layers.layers().values()) {
            List<Layer> below = chain(layer);
            for (Layer each : below.subList(1, below.size())) {
                SortedSet<Name> names = namedBy(each);
                if (!names.isEmpty()) {
                    return Optional.of(names.last());
                }
            }
            Layer root = below.get(below.size() - 1);
            Optional<Name> copied = copiedFrom(root.disk(), root.number(), Integer.MAX_VALUE);
            if (copied.isPresent()) {
                return copied;
            }
        }
        return Optional.empty();
    }

    /** The newest snapshot with a copy of a layer that is older than a number; else the one that the layer itself goes back to. */
    private Optional<Name> copiedFrom(String disk, int number, int before) {
        Optional<Layer> newest = backing.keySet().stream()
                .filter(copy -> copy.disk().equals(disk) && copy.of() == number && copy.number() < before)
                .filter(copy -> !namedBy(copy).isEmpty())
                .max(Comparator.comparingInt(Layer::number));
        if (newest.isPresent()) {
            return Optional.of(namedBy(newest.get()).last());
        }
        // A copy has a higher number than what it was copied from, so that this ends.
        return backing.keySet().stream()
                .filter(each ->
                        each.disk().equals(disk) && each.number() == number && each.of() > 0 && each.of() < number)
                .findFirst()
                .flatMap(copy -> copiedFrom(disk, copy.of(), number));
    }

    /**
     * What can be done now without changing what any named layer reads.
     *
     * @param use what can be done with the layers of the head
     * @param keeps whether a layer is copied; what follows is told as for a copy by the storage
     * @return in an order in which each is possible when the ones before are done
     */
    public List<Tidying> tidyings(HeadUse use, Predicate<Layer> keeps) {
        List<Tidying> all = new ArrayList<>();
        LayerGraph graph = this;
        for (Optional<Tidying> next = graph.nextTidying(use, keeps);
                next.isPresent();
                next = graph.nextTidying(use, keeps)) {
            all.add(next.get());
            graph = next.get().after(graph);
        }
        return all;
    }

    /** Whether the live layers of a disk stand on it and a snapshot names it, so that they cannot go back into it. */
    private boolean isHeld(Layer layer) {
        return layer.form() != ImageForm.QCOW2
                && live().anyMatch(layer::equals)
                && !isHead(layer)
                && !namedBy(layer).isEmpty();
    }

    /** The layers that {@link Keep} is for, if they are copied. */
    public List<Layer> held() {
        return backing.keySet().stream().filter(this::isHeld).toList();
    }

    private Optional<Tidying> nextTidying(HeadUse use, Predicate<Layer> keeps) {
        // What is not needed any more is not copied, and makes room for what is.
        Optional<Layer> needless =
                backing.keySet().stream().filter(this::isNeedless).findFirst();
        if (needless.isPresent()) {
            return Optional.of(new Drop(needless.get()));
        }
        for (Layer layer : backing.keySet()) {
            if (isHeld(layer) && keeps.test(layer)) {
                return Optional.of(new Keep(layer));
            }
            if (joins(layer, use)) {
                return Optional.of(new Join(children(layer).first(), layer));
            }
        }
        // Last, so that one pause of the guest is for all disks.
        List<Join> homes = use == HeadUse.TURNS ? homes() : List.of();
        return homes.isEmpty() ? Optional.empty() : Optional.of(new Settle(homes));
    }

    private boolean joins(Layer base, HeadUse use) {
        SortedSet<Layer> children = children(base);
        // As much as is merged into an origin is kept by its thick copy, which that spoils; the head may stand on it.
        boolean spoils = isOrigin(base) && live().noneMatch(base::equals);
        if (isNamed(base) || children.size() != 1 || !base.isWritable() || spoils) {
            return false;
        }
        // What is written may be counted from a copy on: with a branch in it, it would not be what the count began
        // with.
        boolean counted = !children.first().isCopy() && live().anyMatch(base::isIncrementOf);
        return use == HeadUse.FREE || !isHead(children.first()) && !counted;
    }

    private Stream<Layer> live() {
        return head.layers().values().stream().flatMap(top -> chain(top).stream());
    }

    private List<Join> homes() {
        List<Join> homes = new ArrayList<>();
        for (Layer top : head.layers().values()) {
            backing.getOrDefault(top, Optional.empty())
                    .filter(base -> base.form() != ImageForm.QCOW2 && base.isWritable())
                    .filter(base -> !isNamed(base) && children(base).size() == 1)
                    .filter(base -> namedBy(top).isEmpty() && children(top).isEmpty())
                    .ifPresent(base -> homes.add(new Join(top, base)));
        }
        return homes;
    }

    /** Whether an unnamed layer carries nothing but a layer of the head: joining them takes a cut first. */
    public boolean headStandsOnUnnamed(Set<Layer> among) {
        return among.stream()
                .filter(layer -> backing.containsKey(layer) && !isNamed(layer) && layer.isWritable())
                .map(this::children)
                .anyMatch(children -> children.size() == 1 && isHead(children.first()));
    }

    /** The graph without a snapshot. */
    public LayerGraph withoutSnapshot(Name snapshot) {
        TreeMap<Name, Set<Layer>> rest = new TreeMap<>(snapshots);
        rest.remove(snapshot);
        return new LayerGraph(backing, head, rest);
    }

    /** The graph without a layer on which none stands. */
    public LayerGraph without(Layer layer) {
        TreeMap<Layer, Optional<Layer>> rest = new TreeMap<>(backing);
        rest.remove(layer);
        return new LayerGraph(rest, head, snapshots);
    }

    private LayerGraph kept(Layer root) {
        int highest = backing.keySet().stream().mapToInt(Layer::number).max().orElse(0);
        Layer copy = root.copy(highest + 1);
        List<Layer> live = chain(head.layers().get(root.disk()));
        TreeMap<Layer, Optional<Layer>> linked = new TreeMap<>(backing);
        linked.put(copy, Optional.empty());
        children(root).stream()
                .filter(child -> !live.contains(child))
                .forEach(child -> linked.put(child, Optional.of(copy)));
        return new LayerGraph(linked, head, renamed(root, copy));
    }

    private SortedMap<Name, Set<Layer>> renamed(Layer from, Layer to) {
        TreeMap<Name, Set<Layer>> named = new TreeMap<>(snapshots);
        named.replaceAll((snapshot, layers) ->
                layers.stream().map(layer -> layer.equals(from) ? to : layer).collect(Collectors.toSet()));
        return named;
    }

    private LayerGraph joined(Layer top, Layer base) {
        TreeMap<Layer, Optional<Layer>> linked = new TreeMap<>(backing);
        children(top).forEach(child -> linked.put(child, Optional.of(base)));
        linked.remove(top);
        // The number of the head's generation plays no part in the graph.
        return new LayerGraph(linked, head.with(head.number(), top, base), renamed(top, base));
    }
}
