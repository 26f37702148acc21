package dev.holdfast.agent.snapshot;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.snapshot.chain.ChainException;
import dev.holdfast.agent.snapshot.chain.ChainExecutor;
import dev.holdfast.agent.snapshot.chain.ChainExecutor.Removal;
import dev.holdfast.agent.snapshot.chain.ChainPlan;
import dev.holdfast.agent.snapshot.chain.ChainStep;
import dev.holdfast.agent.snapshot.chain.Generation;
import dev.holdfast.agent.snapshot.chain.Intent;
import dev.holdfast.agent.snapshot.chain.Layer;
import dev.holdfast.agent.snapshot.chain.LayerCopies;
import dev.holdfast.agent.snapshot.chain.LayerGraph;
import dev.holdfast.agent.snapshot.chain.LayerGraph.HeadUse;
import dev.holdfast.agent.snapshot.chain.LayerGraph.Join;
import dev.holdfast.agent.snapshot.chain.LayerGraph.Settle;
import dev.holdfast.agent.snapshot.chain.LayerGraph.Tidying;
import dev.holdfast.agent.snapshot.chain.LiveDisks;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Removes snapshots and merges the layers that nobody names any more, live or not. Whatever interrupts it, every layer that
 * is named reads the same before, during and after.
 *
 * <p>The layer that a running machine writes is never merged into a qcow2 one. When the layer below it loses its name, the machine's disks
 * are cut once more, which makes that layer an intermediate one. So there is no moment at which a crash could find the head
 * and the machine on different layers, and nothing has to be held still for it. What stays is an empty layer. A raw image is written again
 * instead: {@link ChainSettling}.
 */
final class ChainTidying {
    private static final Logger LOG = LoggerFactory.getLogger(ChainTidying.class);

    private final VmChain vm;
    private final ChainSettling settling;

    ChainTidying(VmChain vm) {
        this.vm = vm;
        this.settling = new ChainSettling(vm);
    }

    /** Removes a snapshot and what only it needed. */
    void delete(String operation, Name snapshot, Progress progress) throws IOException, SnapshotException {
        vm.requireIdle();
        Set<Layer> freed = new HashSet<>(vm.snapshot(snapshot).named());
        vm.chain().wholeGraph();
        vm.certainlyRunning();
        LiveDisks live = vm.live(operation, progress);
        vm.executor(live, Removal.DELETE, progress).removeSnapshot(snapshot);
        if (!mergesLayers()) {
            return;
        }
        if (live.written().isPresent() && settles()) {
            // Those are written again, and need no cut for it.
            freed.removeIf(layer -> layer.form() != ImageForm.QCOW2);
        }
        if (live.written().isPresent() && vm.chain().wholeGraph().headStandsOnUnnamed(freed)) {
            cut(operation, live);
        }
        // What the machine copies takes long, and gives way to nobody here: that is done after it, by compact.
        LayerCopies copies = vm.copies();
        tidy(operation, progress, () -> false, root -> !copies.counts(root));
    }

    private boolean settles() throws SnapshotException {
        Optional<RunningVm> running = vm.running();
        try {
            return running.isPresent() && running.get().settles();
        } catch (HypervisorException e) {
            throw SnapshotException.of(e);
        }
    }

    /** What a machine writes that is not ours is as if it ran always: others start it, from the files that they know. */
    private HeadUse use(LiveDisks live) throws IOException, SnapshotException {
        if (vm.foreign().isPresent()) {
            return HeadUse.WRITTEN;
        }
        if (live.written().isEmpty()) {
            return HeadUse.FREE;
        }
        return settles() ? HeadUse.TURNS : HeadUse.WRITTEN;
    }

    /** Whether a raw image is to be copied, or to be written again, or a disk has too many layers. Changes nothing. */
    boolean isDue() throws IOException, SnapshotException {
        LayerGraph graph = vm.chain().wholeGraph();
        if (leftKeep().isPresent() || graph.depth() > vm.tools().maxDepth()) {
            return true;
        }
        LayerCopies copies = vm.copies();
        // A machine without raw disks need not be asked.
        return graph.backing().keySet().stream().anyMatch(layer -> layer.form() != ImageForm.QCOW2)
                && graph.tidyings(use(vm.live("", Progress.NONE)), copies::keeps).stream()
                        .anyMatch(each -> each.<Boolean, RuntimeException>match(
                                drop -> false, join -> false, keep -> true, settle -> true));
    }

    /** The same as {@link #tidy}, if it is due. */
    void tidyIfDue(String operation, Progress progress, BooleanSupplier wanted) throws IOException, SnapshotException {
        endLeftKeep();
        vm.requireIdle();
        if (isDue()) {
            vm.certainlyRunning();
            tidy(operation, progress, wanted, root -> true);
        }
    }

    /** A machine that cannot do it live keeps its layers until it runs without its standby, or elsewhere. */
    private boolean mergesLayers() throws SnapshotException {
        Optional<RunningVm> running = vm.running();
        try {
            return vm.tools().hypervisor().ownsLayers(vm.definition())
                    && (running.isEmpty() || running.get().mergesLayers());
        } catch (HypervisorException e) {
            throw SnapshotException.of(e);
        }
    }

    private void cut(String operation, LiveDisks live) throws IOException {
        Generation head = vm.chain().head();
        Generation next =
                Generation.fresh(vm.chain().nextNumber(), head.layers().keySet());
        Intent intent = Intent.cut(operation, Optional.empty(), head, next);
        ChainExecutor executor = vm.executor(live, Removal.DELETE, Progress.NONE);
        List<ChainStep> steps = new ArrayList<>(ChainPlan.prepareCut(intent));
        steps.add(new ChainStep.Cut(next));
        steps.addAll(ChainPlan.publish(intent));
        try {
            executor.run(steps);
        } catch (IOException e) {
            try {
                executor.run(ChainPlan.abandonCut(intent, vm.facts(live)));
            } catch (IOException again) {
                e.addSuppressed(again);
            }
            throw e;
        }
    }

    /**
     * Merges, copies and removes whatever can be.
     *
     * @param wanted whether somebody else wants the machine: then nothing more is begun, and what can be done another time is given up
     * @param mayKeep whether an image is copied now if it is to be copied at all
     * @throws IOException something cannot be; if that is a copy or a removal, which nothing else depends on, after all the rest
     */
    private void tidy(String operation, Progress progress, BooleanSupplier wanted, Predicate<Layer> mayKeep)
            throws IOException, SnapshotException {
        if (!mergesLayers()) {
            return;
        }
        HeadUse use = use(vm.live(operation, Progress.NONE));
        long total = 0;
        LayerCopies copies = vm.copies();
        Left left = new Left(new HashMap<>(), new HashSet<>(), new HashMap<>());
        Predicate<Layer> keeps = root -> !left.notKept().containsKey(root) && mayKeep.test(root) && copies.keeps(root);
        for (Tidying each : vm.chain().wholeGraph().tidyings(use, keeps)) {
            total += bytes(each);
        }
        long done = 0;
        List<Tidying> rest = rest(use, keeps, left);
        while (!rest.isEmpty() && !wanted.getAsBoolean()) {
            Tidying next = rest.get(0);
            long expected = bytes(next);
            change(operation, next, left, partOf(progress, done, total), wanted).run();
            done += expected;
            progress.at(done, total);
            rest = rest(use, keeps, left);
        }
        for (IOException failure : left.failures()) {
            if (!(failure instanceof GaveWayException)) {
                throw failure;
            }
        }
    }

    /**
     * What was not possible this time.
     *
     * @param notKept images of which there is no copy, and why
     * @param written layers from which the machine has not gone home
     * @param notDropped layers that nothing needs and that cannot be removed, and why
     */
    private record Left(Map<Layer, IOException> notKept, Set<Layer> written, Map<Layer, IOException> notDropped) {
        List<IOException> failures() {
            return Stream.concat(notDropped.values().stream(), notKept.values().stream())
                    .toList();
        }
    }

    /** What there is to do, but for what was not possible. */
    private List<Tidying> rest(HeadUse use, Predicate<Layer> keeps, Left left) throws IOException {
        LayerGraph graph = vm.chain().wholeGraph();
        // Nothing stands on them and nothing names them: for all else it is as if they were gone.
        for (Layer needless : left.notDropped().keySet()) {
            graph = graph.without(needless);
        }
        LayerGraph now = graph;
        boolean stays = left.written().stream().anyMatch(now::isHead);
        return now.tidyings(stays && use == HeadUse.TURNS ? HeadUse.WRITTEN : use, keeps);
    }

    private interface Change {
        void run() throws IOException, SnapshotException;
    }

    private Change change(String operation, Tidying tidying, Left left, Progress progress, BooleanSupplier wanted) {
        return tidying.match(
                drop -> () -> drop(drop.layer(), left, progress),
                join -> () -> merge(Intent.merge(operation, join.top(), join.base()), Removal.DELETE, progress),
                keep -> () -> keep(operation, keep.root(), left, wanted),
                settle -> () -> settle(operation, settle, left, progress, wanted));
    }

    private void drop(Layer needless, Left left, Progress progress) {
        try {
            vm.executor(LiveDisks.NONE, Removal.DELETE, progress).discard(needless);
        } catch (IOException e) {
            left.notDropped().put(needless, e);
        }
    }

    private void keep(String operation, Layer root, Left left, BooleanSupplier wanted)
            throws IOException, SnapshotException {
        LayerCopies copies = vm.copies(wanted);
        SortedMap<Layer, Layer> together;
        try {
            together = together(root, copies, left);
        } catch (ChainException e) {
            left.notKept().put(root, e);
            return;
        }
        keep(Intent.keep(operation, together), copies)
                .ifPresent(failure ->
                        together.keySet().forEach(each -> left.notKept().put(each, failure)));
    }

    /** A storage copies one layer after the other; the machine copies all at once, so that all are counted from then on, or none is. */
    private SortedMap<Layer, Layer> together(Layer first, LayerCopies copies, Left left) throws IOException {
        int number = copies.number(first, vm.chain().nextNumber());
        SortedMap<Layer, Layer> all = new TreeMap<>(Map.of(first, copies.copyOf(first, number)));
        if (copies.counts(first)) {
            for (Layer root : vm.chain().graph().held()) {
                if (copies.counts(root) && !left.notKept().containsKey(root)) {
                    all.put(root, copies.copyOf(root, number));
                }
            }
        }
        return all;
    }

    /** If it is not possible, the disks stay on their layers. @throws IOException it is under way yet */
    private void settle(String operation, Settle settle, Left left, Progress progress, BooleanSupplier wanted)
            throws IOException, SnapshotException {
        try {
            settling.settle(operation, settle, progress, wanted);
        } catch (IOException e) {
            if (vm.chain().intent().isPresent()) {
                throw e;
            }
            // Nobody has asked for it; it is tried again after the next checkpoint.
            LOG.warn("{}: its raw disks stay on their layers: {}", vm.name(), e.getMessage());
            settle.disks().forEach(disk -> left.written().add(disk.top()));
        }
    }

    /** Ends a settle that was cut short. */
    void endSettle(Intent intent, Removal removal) throws IOException, SnapshotException {
        settling.end(intent, removal);
    }

    /**
     * The machine may run: it reads what is copied, and writes the layers above.
     *
     * @return why there is no copy; nothing of it is left then
     * @throws SnapshotException it is under way yet, and taken up later
     */
    private Optional<IOException> keep(Intent intent, LayerCopies copies) throws SnapshotException {
        ChainExecutor executor = vm.executor(LiveDisks.NONE, Removal.DELETE, Progress.NONE, copies);
        try {
            executor.run(ChainPlan.keep(intent, vm.facts(LiveDisks.NONE)));
            return Optional.empty();
        } catch (IOException e) {
            if (StoredCopies.isUnknown(e)) {
                throw SnapshotException.busy(String.valueOf(e.getMessage()));
            }
            try {
                endKeep(intent, Removal.DELETE);
                return Optional.of(e);
            } catch (IOException again) {
                throw SnapshotException.busy(
                        "%s; and that cannot be taken back yet: %s".formatted(e.getMessage(), again.getMessage()));
            }
        }
    }

    /** What was left under way since a storage did not answer. */
    private Optional<Intent> leftKeep() throws IOException {
        return vm.chain().intent().filter(intent -> intent.kind() == Intent.Kind.KEEP);
    }

    /** Whether all that is under way is a keep that its storage has not ended. */
    boolean isLeftByStorage(IOException failure) throws SnapshotException {
        try {
            return StoredCopies.isOfStorage(failure) && leftKeep().isPresent();
        } catch (IOException e) {
            throw SnapshotException.of(e);
        }
    }

    private void endLeftKeep() throws IOException, SnapshotException {
        Optional<Intent> left = leftKeep();
        if (left.isPresent()) {
            try {
                endKeep(left.get(), Removal.DELETE);
            } catch (IOException e) {
                throw SnapshotException.busy(String.valueOf(e.getMessage()));
            }
        }
    }

    /** Ends a keep that was cut short: forward, if the copy is whole. */
    void endKeep(Intent intent, Removal removal) throws IOException {
        vm.executor(LiveDisks.NONE, removal, Progress.NONE).run(ChainPlan.endKeep(intent, vm.facts(LiveDisks.NONE)));
    }

    /** Takes up a merge, or begins it. */
    void merge(Intent intent, Removal removal, Progress progress) throws IOException, SnapshotException {
        LiveDisks live = vm.live(intent.operation(), progress);
        vm.executor(live, removal, progress)
                .run(ChainPlan.merge(intent, vm.facts(live), vm.chain().nextNumber()));
    }

    private long bytes(Tidying tidying) throws IOException {
        return tidying.<Long, IOException>match(drop -> 0L, join -> size(join.top()), keep -> 0L, settle -> {
            long bytes = 0;
            for (Join disk : settle.disks()) {
                bytes += size(disk.top());
            }
            return bytes;
        });
    }

    /** A layer that only an earlier merge would have made the top of another one does not exist any more then. */
    private long size(Layer top) throws IOException {
        Path file = vm.chain().file(top);
        return Files.exists(file) ? Files.size(file) : 0;
    }

    private static Progress partOf(Progress whole, long before, long total) {
        return (done, ignored) -> whole.at(Math.min(before + done, total), total);
    }
}
