package dev.holdfast.agent.snapshot.chain;

import dev.holdfast.coordinator.protocol.Name;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

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

        /** Does one thing or the other. */
        <R, E extends Exception> R match(Case<Drop, R, E> drop, Case<Join, R, E> join) throws E;
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
        public <R, E extends Exception> R match(Case<Drop, R, E> drop, Case<Join, R, E> join) throws E {
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
        public <R, E extends Exception> R match(Case<Drop, R, E> drop, Case<Join, R, E> join) throws E {
            return join.apply(this);
        }
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
        for (Layer layer : backing.keySet()) {
            List<Layer> chain = chain(layer);
            if (Set.copyOf(chain).size() < chain.size()) {
                problems.add("layers/%s stands on itself".formatted(layer));
            }
        }
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
        TreeSet<Layer> children = new TreeSet<>();
        backing.forEach((child, below) -> {
            if (below.isPresent() && below.get().equals(layer)) {
                children.add(child);
            }
        });
        return children;
    }

    /** The snapshots that name the layer. */
    public SortedSet<Name> namedBy(Layer layer) {
        TreeSet<Name> names = new TreeSet<>();
        snapshots.forEach((name, layers) -> {
            if (layers.contains(layer)) {
                names.add(name);
            }
        });
        return names;
    }

    /** Whether the head names the layer: it is the one that is written. */
    public boolean isHead(Layer layer) {
        return layer.equals(head.layers().get(layer.disk()));
    }

    /** Whether anything but other layers needs it. */
    public boolean isNamed(Layer layer) {
        return isHead(layer) || !namedBy(layer).isEmpty();
    }

    /** How many layers the deepest disk of the head has. */
    public int depth() {
        return head.layers().values().stream()
                .mapToInt(layer -> chain(layer).size())
                .max()
                .orElse(0);
    }

    /** The snapshot that this set of layers was written on top of: the nearest one below. */
    public Optional<Name> parent(Generation layers) {
        for (Layer layer : layers.layers().values()) {
            List<Layer> below = chain(layer);
            for (Layer each : below.subList(1, below.size())) {
                SortedSet<Name> names = namedBy(each);
                if (!names.isEmpty()) {
                    return Optional.of(names.last());
                }
            }
        }
        return Optional.empty();
    }

    /**
     * What can be done now without changing what any named layer reads.
     *
     * @param headIsWritten a machine runs: the layers of the head cannot go into others
     * @return in an order in which each is possible when the ones before are done
     */
    public List<Tidying> tidyings(boolean headIsWritten) {
        List<Tidying> all = new ArrayList<>();
        LayerGraph graph = this;
        Optional<Tidying> next = graph.nextTidying(headIsWritten);
        while (next.isPresent()) {
            all.add(next.get());
            graph = next.get().after(graph);
            next = graph.nextTidying(headIsWritten);
        }
        return all;
    }

    private Optional<Tidying> nextTidying(boolean headIsWritten) {
        for (Layer layer : backing.keySet()) {
            if (isNamed(layer)) {
                continue;
            }
            SortedSet<Layer> children = children(layer);
            if (children.isEmpty()) {
                return Optional.of(new Drop(layer));
            }
            Layer child = children.first();
            if (children.size() == 1 && !(headIsWritten && isHead(child))) {
                return Optional.of(new Join(child, layer));
            }
        }
        return Optional.empty();
    }

    /** Whether an unnamed layer carries nothing but a layer of the head: joining them takes a cut first. */
    public boolean headStandsOnUnnamed(Set<Layer> among) {
        return among.stream()
                .filter(layer -> backing.containsKey(layer) && !isNamed(layer))
                .map(this::children)
                .anyMatch(children -> children.size() == 1 && isHead(children.first()));
    }

    /** The graph without a snapshot. */
    public LayerGraph withoutSnapshot(Name snapshot) {
        TreeMap<Name, Set<Layer>> rest = new TreeMap<>(snapshots);
        rest.remove(snapshot);
        return new LayerGraph(backing, head, rest);
    }

    private LayerGraph without(Layer layer) {
        TreeMap<Layer, Optional<Layer>> rest = new TreeMap<>(backing);
        rest.remove(layer);
        return new LayerGraph(rest, head, snapshots);
    }

    private LayerGraph joined(Layer top, Layer base) {
        TreeMap<Layer, Optional<Layer>> linked = new TreeMap<>(backing);
        children(top).forEach(child -> linked.put(child, Optional.of(base)));
        linked.remove(top);
        TreeMap<Name, Set<Layer>> named = new TreeMap<>();
        for (Map.Entry<Name, Set<Layer>> snapshot : snapshots.entrySet()) {
            Set<Layer> layers = new TreeSet<>(snapshot.getValue());
            if (layers.remove(top)) {
                layers.add(base);
            }
            named.put(snapshot.getKey(), layers);
        }
        // The number of the head's generation plays no part in the graph.
        return new LayerGraph(linked, head.with(head.number(), top, base), named);
    }
}
