package dev.holdfast.agent.snapshot.chain;

import dev.holdfast.coordinator.protocol.Name;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;

/**
 * The changes of a chain as lists of steps. Pure. After every prefix of every list, with whatever was not flushed lost, the
 * head reads the newest data, and {@link #recover} finishes the change or takes it back; a test goes through all of them.
 *
 * <pre>
 * change    steps                                                          decided by
 * cut       intent, overlays, flush, generation, move head, flush          the cut in the running machine
 *           | the machine's disks are cut | parts are written
 *           | publish, clear intent                                        the rename of the sidecar
 * revert    intent, overlays on the snapshot, flush, generation            the move of the head
 *           | the snapshot is loaded beside the held machine
 *           | move head, flush, name the old head | the old process ends | clear intent
 * merge     intent, merge, relink, repoint, (head), (count), discard, clear intent  nothing: it always goes forward
 * keep      intent, copy, flush, relink, repoint, clear intent                    each copy being whole
 * clone     intent | the machine's disks are copied, and the copies flushed | parts are written
 *           | publish, clear intent                                        the rename of the sidecar
 * settle    intent, follow, generation, hold still, set head aside, flush, pivot, what the machine writes; if it is gone,
 *           move head, flush, let run, drop aside, discard, clear intent          whether both sides hold the same
 * </pre>
 *
 * <p>The new layer is empty and reads through, so that the head may move before the cut. Once the cut may have happened the
 * head never goes back and the layer being written is never merged: the frozen layer just has no name, and a later merge
 * takes it in as an intermediate layer.
 */
public final class ChainPlan {
    private ChainPlan() {}

    /**
     * What the end of a change has to know about the chain at that moment.
     *
     * @param graph as it is, the intent's own layers included
     * @param written the layers that the running machine writes, as it says itself; empty if it runs nowhere. Whoever cannot
     *     tell must not ask for a plan
     * @param head whether the head is where it belongs
     */
    public record Facts(LayerGraph graph, Optional<SortedMap<String, Layer>> written, HeadState head) {
        /** Of a chain whose head is in its place. */
        public Facts(LayerGraph graph, Optional<SortedMap<String, Layer>> written) {
            this(graph, written, HeadState.IN_PLACE);
        }
    }

    /** Where the head of a chain is. */
    public enum HeadState {
        /** It is there, and right. */
        IN_PLACE,
        /** It is set aside, and all that the layers of the head hold is in the images below, too. */
        ASIDE_AND_EVEN,
        /** It is set aside, and the layers of the head hold something else than the images below; or nobody has looked. */
        ASIDE
    }

    /** Everything of a cut before the machine is touched. */
    public static List<ChainStep> prepareCut(Intent intent) {
        if (intent.kind() == Intent.Kind.CLONE) {
            return List.of(new ChainStep.WriteIntent(intent));
        }
        List<ChainStep> steps = overlays(intent, intent.fromHead());
        steps.add(new ChainStep.MoveHead(intent.toGeneration()));
        steps.add(new ChainStep.FlushHead());
        return steps;
    }

    /** The parts are durable: the snapshot exists from now on. */
    public static List<ChainStep> publish(Intent intent) {
        List<ChainStep> steps = new ArrayList<>();
        intent.snapshot().ifPresent(name -> steps.add(new ChainStep.Publish(name)));
        steps.add(new ChainStep.ClearIntent());
        return steps;
    }

    /**
     * The snapshot shall not exist. The head goes back only if the machine runs and says itself that it still writes the old
     * layers.
     */
    public static List<ChainStep> abandonCut(Intent intent, Facts facts) {
        LayerGraph graph = facts.graph();
        List<ChainStep> steps = new ArrayList<>();
        if (intent.snapshot().filter(graph.snapshots()::containsKey).isPresent()) {
            steps.add(new ChainStep.ClearIntent());
            return steps;
        }
        if (intent.kind() == Intent.Kind.CLONE) {
            return abandonClone(intent, graph);
        }
        int head = graph.head().number();
        boolean certainlyNotCut =
                facts.written().equals(Optional.of(intent.fromHead().layers()));
        if (head == intent.toGeneration() && certainlyNotCut) {
            steps.add(new ChainStep.MoveHead(intent.fromGeneration()));
        }
        // Also if it was moved before: who moved it may have died before it was durable.
        steps.add(new ChainStep.FlushHead());
        if (head == intent.fromGeneration() || certainlyNotCut) {
            discardAll(steps, intent.toHead(), graph);
        }
        intent.snapshot().ifPresent(name -> steps.add(new ChainStep.DiscardParts(name)));
        steps.add(new ChainStep.ClearIntent());
        return steps;
    }

    private static List<ChainStep> abandonClone(Intent intent, LayerGraph graph) {
        List<ChainStep> steps = new ArrayList<>();
        for (Layer copy : intent.toHead().layers().values()) {
            boolean whole = graph.backing().containsKey(copy);
            steps.add(whole ? new ChainStep.Discard(copy) : new ChainStep.RemoveHalf(copy));
        }
        intent.snapshot().ifPresent(name -> steps.add(new ChainStep.DiscardParts(name)));
        steps.add(new ChainStep.ClearIntent());
        return steps;
    }

    /**
     * Everything of a revert before its decision. The head stays where it is.
     *
     * @param origin the layers of the snapshot
     */
    public static List<ChainStep> prepareRevert(Intent intent, Generation origin) {
        return overlays(intent, origin);
    }

    /**
     * The revert is decided. Nothing may write to the old or the new layers until this is done. The intent stays until the
     * old process is gone as well: {@link #endRevert}.
     */
    public static List<ChainStep> commitRevert(Intent intent) {
        List<ChainStep> steps = new ArrayList<>();
        steps.add(new ChainStep.MoveHead(intent.toGeneration()));
        steps.add(new ChainStep.FlushHead());
        Name branch = intent.branch().orElseThrow(() -> new IllegalArgumentException("the revert has no branch name"));
        Name origin = intent.snapshot().orElseThrow(() -> new IllegalArgumentException("the revert has no snapshot"));
        steps.add(new ChainStep.NameBranch(branch, origin, intent.fromHead()));
        return steps;
    }

    /** No process writes the old layers any more. */
    public static List<ChainStep> endRevert() {
        return List.of(new ChainStep.ClearIntent());
    }

    /** The revert is not to be; if the head has moved already, it is, and this finishes it. */
    public static List<ChainStep> abandonRevert(Intent intent, Facts facts) {
        List<ChainStep> steps = new ArrayList<>();
        if (facts.graph().head().number() == intent.toGeneration()) {
            steps.addAll(commitRevert(intent));
            steps.addAll(endRevert());
            return steps;
        }
        steps.add(new ChainStep.FlushHead());
        discardAll(steps, intent.toHead(), facts.graph());
        steps.add(new ChainStep.ClearIntent());
        return steps;
    }

    /**
     * One layer goes into the unnamed one below it, and everything that needed it gets that one.
     *
     * @param facts as they are now, also when a part of this was done already
     * @param nextGeneration used only if the top is the head's
     */
    public static List<ChainStep> merge(Intent intent, Facts facts, int nextGeneration) {
        LayerGraph graph = facts.graph();
        Layer top = Layer.parse(intent.top().orElseThrow());
        Layer base = Layer.parse(intent.base().orElseThrow());
        List<ChainStep> steps = new ArrayList<>();
        steps.add(new ChainStep.WriteIntent(intent));
        boolean topIsWritten = facts.written().isPresent() && graph.isHead(top);
        if (!graph.backing().containsKey(top) || topIsWritten) {
            // Done, or the machine was started in the meantime: nothing but the top stands on the base, so it may wait.
            steps.add(new ChainStep.FlushHead());
            steps.add(new ChainStep.ClearIntent());
            return steps;
        }
        SortedSet<Layer> others = graph.children(base);
        others.remove(top);
        // As soon as anything else stands on the base or names it, the base may hold newer data than the top.
        boolean copied = graph.isNamed(base) || !others.isEmpty();
        if (!copied) {
            steps.add(new ChainStep.Merge(top, base));
        }
        graph.children(top).forEach(child -> steps.add(new ChainStep.Relink(child, base)));
        graph.namedBy(top).forEach(name -> steps.add(new ChainStep.Repoint(name, top, base)));
        if (graph.isHead(top)) {
            Generation moved = graph.head().with(nextGeneration, top, base);
            steps.add(new ChainStep.MakeGeneration(moved));
            steps.add(new ChainStep.MoveHead(nextGeneration));
        }
        steps.add(new ChainStep.FlushHead());
        if (top.isCopy()) {
            steps.add(new ChainStep.CountFrom(base, top));
        }
        steps.add(new ChainStep.Discard(top));
        steps.add(new ChainStep.ClearIntent());
        return steps;
    }

    /**
     * The layers that the live layers of disks stand on are copied, and whoever names one of them, or stands on it beside those, gets the copy,
     * which reads the same. Nobody writes it: the machine writes a layer above.
     *
     * @param facts as they are now, also when a part of this was done already
     */
    public static List<ChainStep> keep(Intent intent, Facts facts) {
        List<ChainStep> steps = new ArrayList<>();
        steps.add(new ChainStep.WriteIntent(intent));
        steps.add(new ChainStep.CopyLayers(intent.copies()));
        // A copy that is there already may be from a life that died before its name was durable.
        steps.add(new ChainStep.FlushLayers());
        intent.copies().forEach((root, copy) -> giveTo(steps, facts.graph(), root, copy));
        steps.add(new ChainStep.ClearIntent());
        return steps;
    }

    private static void giveTo(List<ChainStep> steps, LayerGraph graph, Layer root, Layer copy) {
        List<Layer> written = graph.chain(graph.head().layers().get(root.disk()));
        graph.children(root).stream()
                .filter(child -> !written.contains(child))
                .forEach(child -> steps.add(new ChainStep.Relink(child, copy)));
        graph.namedBy(root).forEach(name -> steps.add(new ChainStep.Repoint(name, root, copy)));
    }

    /** It was cut short, or a copy could not be made: that goes, and its snapshot is as it was. For one that is whole, this goes forward. */
    public static List<ChainStep> endKeep(Intent intent, Facts facts) {
        LayerGraph graph = facts.graph();
        List<ChainStep> steps = new ArrayList<>();
        steps.add(new ChainStep.FlushLayers());
        intent.copies().forEach((root, copy) -> {
            if (graph.backing().containsKey(copy)) {
                giveTo(steps, graph, root, copy);
            } else {
                steps.add(new ChainStep.RemoveHalf(copy));
            }
        });
        steps.add(new ChainStep.ClearIntent());
        return steps;
    }

    /**
     * The disks of a running machine go back into the images below the layers of the head. From when that can be until it is done there is no
     * head: whoever lets the guest run meanwhile must not be the one who decides which side is the newer one.
     */
    public static List<ChainStep> settle(Intent intent) {
        List<Layer> homes = List.copyOf(intent.homes().values());
        List<ChainStep> steps = new ArrayList<>();
        steps.add(new ChainStep.WriteIntent(intent));
        steps.add(new ChainStep.Follow(homes));
        steps.add(new ChainStep.MakeGeneration(intent.toHead()));
        steps.add(new ChainStep.HoldStill());
        steps.add(new ChainStep.SetHeadAside());
        steps.add(new ChainStep.FlushHead());
        homes.forEach(home -> steps.add(new ChainStep.Pivot(home)));
        steps.add(new ChainStep.MoveHead(intent.toGeneration()));
        steps.add(new ChainStep.FlushHead());
        steps.add(new ChainStep.LetRun());
        steps.add(new ChainStep.DropAside());
        intent.homes().keySet().forEach(layer -> steps.add(new ChainStep.Discard(layer)));
        steps.add(new ChainStep.ClearIntent());
        return steps;
    }

    /**
     * Ends a settle that was cut short, wherever. Nothing may be under way in the machine any more.
     *
     * @param facts as they are now
     * @return nothing if nobody can tell which side is the newer one: the head stays aside, and the machine does not start
     */
    public static List<ChainStep> endSettle(Intent intent, Facts facts, int nextGeneration) {
        LayerGraph graph = facts.graph();
        boolean inPlace = facts.head() == HeadState.IN_PLACE;
        if (facts.written().isEmpty() && facts.head() == HeadState.ASIDE) {
            return List.of();
        }
        // Without a machine: where both sides read the same, that one which may have been written since.
        SortedMap<String, Layer> right = facts.written()
                .orElseGet(
                        () -> inPlace ? graph.head().layers() : intent.toHead().layers());
        List<ChainStep> steps = new ArrayList<>();
        if (!inPlace || !right.equals(graph.head().layers())) {
            steps.add(new ChainStep.MakeGeneration(new Generation(nextGeneration, right)));
            steps.add(new ChainStep.MoveHead(nextGeneration));
        }
        // Also if it was moved before: who moved it may have died before it was durable.
        steps.add(new ChainStep.FlushHead());
        steps.add(new ChainStep.DropAside());
        intent.homes().keySet().stream()
                .filter(layer -> !right.containsValue(layer) && graph.backing().containsKey(layer))
                .forEach(layer -> steps.add(new ChainStep.Discard(layer)));
        steps.add(new ChainStep.ClearIntent());
        return steps;
    }

    /**
     * Ends whatever change was under way. For a change that belongs to a round, only when the round is decided: otherwise it
     * would be taken back.
     */
    public static List<ChainStep> recover(Intent intent, Facts facts, int nextGeneration) {
        return switch (intent.kind()) {
            case CUT, CLONE -> abandonCut(intent, facts);
            case REVERT -> abandonRevert(intent, facts);
            case MERGE -> merge(intent, facts, nextGeneration);
            case KEEP -> endKeep(intent, facts);
            case SETTLE -> endSettle(intent, facts, nextGeneration);
        };
    }

    private static List<ChainStep> overlays(Intent intent, Generation below) {
        List<ChainStep> steps = new ArrayList<>();
        steps.add(new ChainStep.WriteIntent(intent));
        intent.toHead()
                .layers()
                .forEach((disk, layer) -> steps.add(
                        new ChainStep.CreateLayer(layer, below.layers().get(disk))));
        steps.add(new ChainStep.FlushLayers());
        steps.add(new ChainStep.MakeGeneration(intent.toHead()));
        return steps;
    }

    private static void discardAll(List<ChainStep> steps, Generation layers, LayerGraph graph) {
        layers.layers().values().stream()
                .filter(layer -> graph.backing().containsKey(layer))
                .forEach(layer -> steps.add(new ChainStep.Discard(layer)));
    }
}
