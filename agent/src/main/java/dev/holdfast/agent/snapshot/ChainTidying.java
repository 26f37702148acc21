package dev.holdfast.agent.snapshot;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.snapshot.chain.ChainExecutor;
import dev.holdfast.agent.snapshot.chain.ChainExecutor.Removal;
import dev.holdfast.agent.snapshot.chain.ChainPlan;
import dev.holdfast.agent.snapshot.chain.ChainStep;
import dev.holdfast.agent.snapshot.chain.Generation;
import dev.holdfast.agent.snapshot.chain.Intent;
import dev.holdfast.agent.snapshot.chain.Layer;
import dev.holdfast.agent.snapshot.chain.LayerCopies;
import dev.holdfast.agent.snapshot.chain.LayerGraph;
import dev.holdfast.agent.snapshot.chain.LayerGraph.Tidying;
import dev.holdfast.agent.snapshot.chain.LiveDisks;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;

/**
 * Removes snapshots and merges the layers that nobody names any more, live or not. Whatever interrupts it, every layer that
 * is named reads the same before, during and after.
 *
 * <p>The layer that a running machine writes is never merged. When the layer below it loses its name, the machine's disks
 * are cut once more, which makes that layer an intermediate one. So there is no moment at which a crash could find the head
 * and the machine on different layers, and nothing has to be held still for it. What stays is an empty layer.
 */
final class ChainTidying {
    private final VmChain vm;

    ChainTidying(VmChain vm) {
        this.vm = vm;
    }

    /** Removes a snapshot and what only it needed. */
    void delete(String operation, Name snapshot, Progress progress) throws IOException, SnapshotException {
        vm.requireIdle();
        Set<Layer> freed = vm.snapshot(snapshot).named();
        vm.chain().wholeGraph();
        vm.certainlyRunning();
        LiveDisks live = vm.live(operation, progress);
        vm.executor(live, Removal.DELETE, progress).removeSnapshot(snapshot);
        if (!mergesLayers()) {
            return;
        }
        if (live.written().isPresent() && vm.chain().wholeGraph().headStandsOnUnnamed(freed)) {
            cut(operation, live);
        }
        tidy(operation, progress, () -> false);
    }

    /** Whether an image is to be copied, or a disk has too many layers. Changes nothing. */
    boolean isDue() throws IOException, SnapshotException {
        LayerGraph graph = vm.chain().wholeGraph();
        LayerCopies copies = vm.copies();
        return graph.depth() > vm.tools().maxDepth()
                || graph.tidyings(true, copies::keeps).stream()
                        .anyMatch(each ->
                                each.<Boolean, RuntimeException>match(drop -> false, join -> false, keep -> true));
    }

    /** The same as {@link #tidy}, if it is due. */
    void tidyIfDue(String operation, Progress progress, BooleanSupplier wanted) throws IOException, SnapshotException {
        vm.requireIdle();
        if (isDue()) {
            vm.certainlyRunning();
            tidy(operation, progress, wanted);
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
     * @param wanted whether somebody else wants the machine: then nothing more is begun
     * @throws IOException something cannot be; if that is a copy, which nothing else depends on, after all the rest
     */
    void tidy(String operation, Progress progress, BooleanSupplier wanted) throws IOException, SnapshotException {
        if (!mergesLayers()) {
            return;
        }
        LiveDisks live = vm.live(operation, Progress.NONE);
        boolean written = live.written().isPresent();
        long total = 0;
        LayerCopies copies = vm.copies();
        Map<Layer, IOException> notKept = new HashMap<>();
        Predicate<Layer> keeps = root -> !notKept.containsKey(root) && copies.keeps(root);
        for (Tidying each : vm.chain().wholeGraph().tidyings(written, keeps)) {
            total += bytes(each);
        }
        long done = 0;
        List<Tidying> rest = vm.chain().wholeGraph().tidyings(written, keeps);
        while (!rest.isEmpty() && !wanted.getAsBoolean()) {
            Tidying next = rest.get(0);
            long expected = bytes(next);
            run(operation, next, notKept, partOf(progress, done, total));
            done += expected;
            progress.at(done, total);
            rest = vm.chain().wholeGraph().tidyings(written, keeps);
        }
        if (!notKept.isEmpty()) {
            throw notKept.values().iterator().next();
        }
    }

    private void run(String operation, Tidying tidying, Map<Layer, IOException> notKept, Progress progress)
            throws IOException, SnapshotException {
        Optional<Intent> change = tidying.<Optional<Intent>, IOException>match(
                drop -> {
                    vm.executor(LiveDisks.NONE, Removal.DELETE, progress).discard(drop.layer());
                    return Optional.empty();
                },
                join -> Optional.of(Intent.merge(operation, join.top(), join.base())),
                keep -> {
                    Layer root = keep.root();
                    keep(Intent.keep(operation, root, root.copy(vm.chain().nextNumber())))
                            .ifPresent(failure -> notKept.put(root, failure));
                    return Optional.empty();
                });
        if (change.isPresent()) {
            merge(change.get(), Removal.DELETE, progress);
        }
    }

    /**
     * The machine may run: it reads what is copied, and writes the layers above.
     *
     * @return why there is no copy; nothing of it is left then
     * @throws IOException it is under way yet
     */
    private Optional<IOException> keep(Intent intent) throws IOException {
        ChainExecutor executor = vm.executor(LiveDisks.NONE, Removal.DELETE, Progress.NONE);
        try {
            executor.run(ChainPlan.keep(intent, vm.facts(LiveDisks.NONE)));
            return Optional.empty();
        } catch (IOException e) {
            try {
                endKeep(intent, Removal.DELETE);
                return Optional.of(e);
            } catch (IOException again) {
                e.addSuppressed(again);
                throw e;
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
        return tidying.<Long, IOException>match(
                drop -> 0L,
                join -> {
                    // A layer that only an earlier merge would have made the top of this one does not exist any more
                    // then.
                    return Files.exists(vm.chain().file(join.top()))
                            ? Files.size(vm.chain().file(join.top()))
                            : 0L;
                },
                keep -> 0L);
    }

    private static Progress partOf(Progress whole, long before, long total) {
        return (done, ignored) -> whole.at(Math.min(before + done, total), total);
    }
}
