package dev.holdfast.agent.snapshot.chain;

import dev.holdfast.coordinator.protocol.Name;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.IntStream;

/**
 * A chain directory and a machine on it, as a model: what the kernel shows, what survives a loss of power, what the guest was
 * told is written. Does the steps of the real plans. Two disks of two blocks.
 */
final class ModelDisk implements ChainStep.Executor {
    static final List<String> DISKS = List.of("a", "b");
    static final int BLOCKS = 2;

    /** A rule was broken. */
    static final class Broken extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Broken(String message) {
            super(message);
        }
    }

    record Image(Optional<Layer> backing, List<Integer> blocks, boolean durable) {}

    TreeMap<Layer, Image> layers = new TreeMap<>();
    TreeMap<Integer, Generation> generations = new TreeMap<>();
    TreeMap<Integer, Integer> timelineOf = new TreeMap<>();
    TreeMap<Integer, List<Integer>> newest = new TreeMap<>();
    int head;
    TreeSet<Integer> durableHeads = new TreeSet<>();
    Optional<Intent> intent = Optional.empty();
    TreeMap<Name, Generation> snapshots = new TreeMap<>();
    TreeMap<Name, List<Integer>> promised = new TreeMap<>();
    List<Integer> cutContent = List.of();
    Optional<SortedMap<String, Layer>> active = Optional.empty();
    int activeTimeline;
    boolean held;
    /** Where the head was that is set aside; {@link #head} is 0 then. */
    int aside;

    /** The running machine copies what it writes into these. */
    TreeSet<Layer> following = new TreeSet<>();
    /** The guest stands still, and somebody else will let it run. */
    boolean stopped;

    /** The machine copies in increments: by image and copy, what its process knows was written since. */
    boolean counts;
    /** A new process takes it that nothing was written since the last one counted. */
    boolean believesOldCounts;

    TreeMap<Layer, TreeMap<Integer, Set<Integer>>> counted = new TreeMap<>();

    boolean guardRan;
    boolean agentLives = true;
    List<ChainStep> plan = List.of();
    int budget;
    int writes;

    ModelDisk copy() {
        ModelDisk copy = new ModelDisk();
        copy.layers = new TreeMap<>(layers);
        copy.generations = new TreeMap<>(generations);
        copy.timelineOf = new TreeMap<>(timelineOf);
        copy.newest = new TreeMap<>(newest);
        copy.head = head;
        copy.durableHeads = new TreeSet<>(durableHeads);
        copy.intent = intent;
        copy.snapshots = new TreeMap<>(snapshots);
        copy.promised = new TreeMap<>(promised);
        copy.cutContent = cutContent;
        copy.active = active;
        copy.activeTimeline = activeTimeline;
        copy.held = held;
        copy.aside = aside;
        copy.following = new TreeSet<>(following);
        copy.stopped = stopped;
        copy.counts = counts;
        copy.believesOldCounts = believesOldCounts;
        counted.forEach((layer, since) -> {
            TreeMap<Integer, Set<Integer>> each = new TreeMap<>();
            since.forEach((number, blocks) -> each.put(number, new TreeSet<>(blocks)));
            copy.counted.put(layer, each);
        });
        copy.guardRan = guardRan;
        copy.agentLives = agentLives;
        copy.plan = plan;
        copy.budget = budget;
        copy.writes = writes;
        return copy;
    }

    /** Equal exactly for equal states. */
    Object key() {
        return Arrays.asList(
                layers,
                generations,
                newest,
                head,
                durableHeads,
                intent,
                snapshots,
                promised,
                cutContent,
                active,
                activeTimeline,
                held,
                aside,
                following,
                stopped,
                counted,
                guardRan,
                agentLives,
                plan,
                budget,
                writes);
    }

    // ---- the world ----

    void addLayer(Layer layer, Optional<Layer> backing, Integer... blocks) {
        layers.put(layer, new Image(backing, List.of(blocks), true));
    }

    void addGeneration(Generation generation, int timeline) {
        generations.put(generation.number(), generation);
        timelineOf.put(generation.number(), timeline);
    }

    List<Integer> content(SortedMap<String, Layer> from) {
        List<Integer> content = new ArrayList<>();
        for (String disk : DISKS) {
            for (int block = 0; block < BLOCKS; block++) {
                content.add(read(from.get(disk), block));
            }
        }
        return content;
    }

    private Integer read(Layer layer, int block) {
        Optional<Layer> next = Optional.of(layer);
        while (next.isPresent()) {
            Image image = layers.get(next.get());
            if (image == null) {
                throw new Broken("layer " + next.get() + " is missing");
            }
            if (image.blocks().get(block) >= 0) {
                return image.blocks().get(block);
            }
            next = image.backing();
        }
        return 0;
    }

    void guestWrites(String disk, int block, int value) {
        SortedMap<String, Layer> written = active.orElseThrow();
        setBlock(written.get(disk), block, value);
        List<Integer> content = new ArrayList<>(newest.get(activeTimeline));
        content.set(DISKS.indexOf(disk) * BLOCKS + block, value);
        newest.put(activeTimeline, List.copyOf(content));
    }

    private void setBlock(Layer layer, int block, int value) {
        Image image = layers.get(layer);
        counted.getOrDefault(layer, new TreeMap<>()).values().forEach(since -> since.add(block));
        List<Integer> blocks = new ArrayList<>(image.blocks());
        blocks.set(block, value);
        layers.put(layer, new Image(image.backing(), List.copyOf(blocks), image.durable()));
    }

    void startFromHead() {
        active = Optional.of(generations.get(head).layers());
        activeTimeline = timelineOf.get(head);
        held = false;
        flushHead();
    }

    /** The process is gone, and what it was about to do with it. */
    void endProcess() {
        active = Optional.empty();
        held = false;
        stopped = false;
        following.clear();
        if (believesOldCounts) {
            counted.values().forEach(since -> since.values().forEach(Set::clear));
        } else {
            counted.clear();
        }
    }

    void losePower(int survivingHead) {
        head = survivingHead;
        durableHeads = new TreeSet<>(Set.of(survivingHead));
        layers.values().removeIf(image -> !image.durable());
        endProcess();
        agentLives = false;
        plan = List.of();
    }

    LayerGraph graph() {
        TreeMap<Layer, Optional<Layer>> backing = new TreeMap<>();
        layers.forEach((layer, image) -> backing.put(layer, image.backing()));
        TreeMap<Name, Set<Layer>> named = new TreeMap<>();
        snapshots.forEach(
                (name, layer) -> named.put(name, Set.copyOf(layer.layers().values())));
        return new LayerGraph(backing, generations.get(lastHead()), named);
    }

    private int lastHead() {
        return head == 0 ? aside : head;
    }

    ChainPlan.Facts facts() {
        if (head > 0) {
            return new ChainPlan.Facts(graph(), active);
        }
        boolean even = intent.orElseThrow().homes().entrySet().stream()
                .allMatch(disk -> isEven(disk.getKey(), disk.getValue()));
        return new ChainPlan.Facts(
                graph(), active, even ? ChainPlan.HeadState.ASIDE_AND_EVEN : ChainPlan.HeadState.ASIDE);
    }

    private boolean isEven(Layer top, Layer base) {
        if (!layers.containsKey(top)) {
            throw new Broken("layer " + top + " is missing, and the head was still there when it was removed");
        }
        List<Integer> below = layers.get(base).blocks();
        List<Integer> above = layers.get(top).blocks();
        return IntStream.range(0, BLOCKS)
                .allMatch(block -> above.get(block) < 0 || above.get(block).equals(below.get(block)));
    }

    int nextNumber() {
        return Math.max(
                        generations.lastKey(),
                        layers.keySet().stream().mapToInt(Layer::number).max().orElse(0))
                + 1;
    }

    /** I9, and that snapshots read what they were promised to. */
    void check() {
        Set<Integer> paths = new HashSet<>(durableHeads);
        paths.add(head);
        // A start finds nothing there.
        paths.remove(0);
        for (int path : paths) {
            List<Integer> expected = newest.get(timelineOf.get(path));
            List<Integer> found = content(generations.get(path).layers());
            if (!found.equals(expected)) {
                throw new Broken(
                        "I9: the head at generation %d reads %s, the newest is %s".formatted(path, found, expected));
            }
            for (Layer layer : generations.get(path).layers().values()) {
                if (durableHeads.contains(path) && !layers.get(layer).durable()) {
                    throw new Broken("I9: a durable head names " + layer + ", which a loss of power would take");
                }
            }
            if (active.isPresent() && !held && !timelineOf.get(path).equals(activeTimeline)) {
                throw new Broken("I9: the machine runs on another timeline than a head that could be found");
            }
        }
        snapshots.forEach((name, at) -> {
            if (!content(at.layers()).equals(promised.get(name))) {
                throw new Broken("I8: snapshot %s reads %s instead of %s"
                        .formatted(name, content(at.layers()), promised.get(name)));
            }
        });
        active.ifPresent(this::content);
    }

    private boolean isLive(Layer layer) {
        return active.isPresent()
                && active.get().values().stream()
                        .anyMatch(top -> graph().chain(top).contains(layer));
    }

    // ---- the steps ----

    @Override
    public void writeIntent(Intent written) {
        intent = Optional.of(written);
    }

    @Override
    public void clearIntent() {
        intent = Optional.empty();
    }

    @Override
    public void createLayer(Layer layer, Layer backing) {
        if (layers.containsKey(layer)) {
            throw new Broken(layer + " is there already");
        }
        layers.put(layer, new Image(Optional.of(backing), List.of(-1, -1), false));
    }

    @Override
    public void flushLayers() {
        layers.replaceAll((layer, image) -> new Image(image.backing(), image.blocks(), true));
    }

    @Override
    public void makeGeneration(Generation generation) {
        generations.put(generation.number(), generation);
        Optional<Intent> revert =
                intent.filter(i -> i.kind() == Intent.Kind.REVERT && i.toGeneration() == generation.number());
        timelineOf.put(generation.number(), revert.isPresent() ? generation.number() : timelineOf.get(lastHead()));
        revert.ifPresent(
                i -> newest.put(generation.number(), promised.get(i.snapshot().orElseThrow())));
    }

    @Override
    public void moveHead(int generation) {
        head = generation;
        durableHeads.add(generation);
    }

    @Override
    public void flushHead() {
        durableHeads = new TreeSet<>(Set.of(head));
    }

    @Override
    public void cut(Generation to) {
        cutContent = newest.get(activeTimeline);
        active = Optional.of(to.layers());
    }

    /** A merge that was killed after its first block. */
    void mergeHalf(Layer top, Layer base) {
        copyBlock(top, base, 0);
    }

    @Override
    public void merge(Layer top, Layer base) {
        if (active.isPresent() && active.get().containsValue(top)) {
            throw new Broken("the layer that is being written was merged");
        }
        if (isLive(base) && !isLive(top)) {
            throw new Broken(base + " is open in the running machine and was written by somebody else");
        }
        boolean live = isLive(top);
        for (int block = 0; block < BLOCKS; block++) {
            copyBlock(top, base, block);
        }
        if (live) {
            graph().children(top).stream().filter(this::isLive).forEach(child -> relink(child, base));
        }
    }

    private void copyBlock(Layer top, Layer base, int block) {
        int value = layers.get(top).blocks().get(block);
        if (value >= 0) {
            setBlock(base, block, value);
        }
    }

    @Override
    public void relink(Layer layer, Layer backing) {
        Image image = layers.get(layer);
        layers.put(layer, new Image(Optional.of(backing), image.blocks(), image.durable()));
    }

    @Override
    public void publish(Name snapshot) {
        Intent cut = intent.orElseThrow();
        promised.put(snapshot, cutContent);
        snapshots.put(snapshot, cut.fromHead());
    }

    @Override
    public void nameBranch(Name branch, Name revertedTo, Generation at) {
        promised.put(branch, newest.get(timelineOf.get(intent.orElseThrow().fromGeneration())));
        snapshots.put(branch, at);
    }

    @Override
    public void repoint(Name snapshot, Layer from, Layer to) {
        snapshots.put(snapshot, Objects.requireNonNull(snapshots.get(snapshot)).with(1, from, to));
    }

    @Override
    public void removeSnapshot(Name snapshot) {
        snapshots.remove(snapshot);
    }

    @Override
    public void discardParts(Name snapshot) {
        if (snapshots.containsKey(snapshot)) {
            throw new Broken("parts of an existing snapshot were discarded");
        }
    }

    @Override
    public void discard(Layer layer) {
        if (isLive(layer)) {
            throw new Broken("a layer of the running machine was removed: " + layer);
        }
        layers.remove(layer);
    }

    @Override
    public void copyLayers(SortedMap<Layer, Layer> copies) {
        copies.forEach((root, copy) -> {
            if (active.isPresent() && active.get().containsValue(root)) {
                throw new Broken("the layer that is being written was copied");
            }
            if (!layers.containsKey(copy)) {
                layers.put(copy, counts ? increment(root, copy) : whole(root));
            }
        });
    }

    private Image whole(Layer root) {
        return new Image(Optional.empty(), layers.get(root).blocks(), false);
    }

    private Image increment(Layer root, Layer copy) {
        if (active.isEmpty()) {
            throw new Broken("no machine copies " + root);
        }
        Optional<Layer> newest = layers.keySet().stream()
                .filter(layer -> layer.isIncrementOf(root))
                .reduce((one, other) -> other);
        TreeMap<Integer, Set<Integer>> since = counted.computeIfAbsent(root, none -> new TreeMap<>());
        Optional<Set<Integer>> written = newest.map(layer -> since.get(layer.number()));
        since.put(copy.number(), new TreeSet<>());
        if (written.isEmpty()) {
            return whole(root);
        }
        List<Integer> blocks = IntStream.range(0, BLOCKS)
                .mapToObj(block -> written.get().contains(block)
                        ? layers.get(root).blocks().get(block)
                        : -1)
                .toList();
        return new Image(newest, blocks, false);
    }

    @Override
    public void countFrom(Layer base, Layer copy) {
        counted.forEach((root, since) -> {
            if (copy.isIncrementOf(root) && since.containsKey(copy.number())) {
                since.put(base.number(), Objects.requireNonNull(since.remove(copy.number())));
            }
        });
    }

    @Override
    public void removeHalf(Layer copy) {
        if (layers.containsKey(copy)) {
            throw new Broken("a whole copy was removed: " + copy);
        }
    }

    @Override
    public void follow(Collection<Layer> homes) {
        for (Layer home : homes) {
            Layer top = written(home);
            if (!layers.get(top).backing().equals(Optional.of(home))) {
                throw new Broken(top + " does not stand on " + home);
            }
            following.add(home);
            catchUp(home);
        }
    }

    /** What QEMU does by itself, now and then. */
    void catchUp(Layer home) {
        for (int block = 0; block < BLOCKS; block++) {
            copyBlock(written(home), home, block);
        }
    }

    private Layer written(Layer home) {
        return Objects.requireNonNull(active.orElseThrow().get(home.disk()));
    }

    @Override
    public void holdStill() {
        stopped = true;
        following.forEach(this::catchUp);
    }

    @Override
    public void setHeadAside() {
        aside = head;
        head = 0;
        durableHeads.add(0);
    }

    @Override
    public void pivot(Layer home) {
        catchUp(home);
        TreeMap<String, Layer> now = new TreeMap<>(active.orElseThrow());
        now.put(home.disk(), home);
        active = Optional.of(now);
        following.remove(home);
    }

    @Override
    public void letRun() {
        stopped = false;
    }

    @Override
    public void dropAside() {
        if (head == 0) {
            throw new Broken("there is no other head than the one that was set aside, and it was forgotten");
        }
    }

    /** All content as one map, for traces. */
    Map<Layer, Image> images() {
        return layers;
    }
}
