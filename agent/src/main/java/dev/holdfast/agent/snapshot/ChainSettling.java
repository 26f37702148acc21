package dev.holdfast.agent.snapshot;

import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.snapshot.chain.ChainException;
import dev.holdfast.agent.snapshot.chain.ChainExecutor.Removal;
import dev.holdfast.agent.snapshot.chain.ChainPlan;
import dev.holdfast.agent.snapshot.chain.ChainPlan.HeadState;
import dev.holdfast.agent.snapshot.chain.ChainStep;
import dev.holdfast.agent.snapshot.chain.Generation;
import dev.holdfast.agent.snapshot.chain.Intent;
import dev.holdfast.agent.snapshot.chain.Layer;
import dev.holdfast.agent.snapshot.chain.LayerGraph.Join;
import dev.holdfast.agent.snapshot.chain.LayerGraph.Settle;
import dev.holdfast.agent.snapshot.chain.LiveDisks;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;

/**
 * Has a running machine write its raw disks again, without the layers that were put on them for a snapshot that is gone, or that has a copy by
 * now. Whatever interrupts it, a start finds the newest data or nothing. One operation at a time.
 */
final class ChainSettling {
    private final VmChain vm;

    ChainSettling(VmChain vm) {
        this.vm = vm;
    }

    /**
     * The guest stands still for some milliseconds, once everything is copied.
     *
     * @param wantedElsewhere looked at until the guest is stopped: whether to give it up
     * @throws IOException the disks stay on their layers; if the intent is still there, it has to be ended before the machine starts again
     */
    void settle(String operation, Settle settle, Progress progress, BooleanSupplier wantedElsewhere)
            throws IOException, SnapshotException {
        Generation head = vm.chain().head();
        int number = vm.chain().nextNumber();
        Generation homes = head;
        for (Join disk : settle.disks()) {
            homes = homes.with(number, disk.top(), disk.base());
        }
        Intent intent = Intent.settle(operation, head, homes);
        LiveDisks live = vm.live(operation, progress, wantedElsewhere);
        try {
            vm.executor(live, Removal.DELETE, progress).run(ChainPlan.settle(intent));
        } catch (IOException e) {
            try {
                end(intent, live, Removal.DELETE);
            } catch (IOException | SnapshotException again) {
                e.addSuppressed(again);
            }
            throw e;
        }
    }

    /** Ends what an earlier life has begun. */
    void end(Intent intent, Removal removal) throws IOException, SnapshotException {
        end(intent, vm.live(intent.operation(), Progress.NONE), removal);
    }

    private void end(Intent intent, LiveDisks live, Removal removal) throws IOException, SnapshotException {
        try {
            // What runs and cannot be asked may write either side.
            boolean runs = vm.certainlyRunning().isPresent();
            LiveDisks asked = runs ? live : LiveDisks.NONE;
            asked.settling().end(intent.homes().values());
            ChainPlan.Facts facts = new ChainPlan.Facts(vm.chain().graph(), asked.written(), head(intent, runs));
            List<ChainStep> steps =
                    ChainPlan.endSettle(intent, facts, vm.chain().nextNumber());
            if (steps.isEmpty()) {
                throw new ChainException(
                        ("nobody can tell whether the newest data of %s is in %s or in %s: its guest ran while its disks went from the"
                                        + " first to the second, and its process has ended since; run \"holdfast fsck\", which says how to decide")
                                .formatted(
                                        vm.name(),
                                        intent.homes().keySet(),
                                        intent.homes().values()));
            }
            vm.executor(asked, removal, Progress.NONE).run(steps);
        } finally {
            live.settling().letRun();
        }
    }

    private HeadState head(Intent intent, boolean runs) throws IOException {
        if (!vm.chain().isHeadAside()) {
            return HeadState.IN_PLACE;
        }
        if (runs) {
            return HeadState.ASIDE;
        }
        for (Map.Entry<Layer, Layer> disk : intent.homes().entrySet()) {
            if (!vm.tools()
                    .images()
                    .isEven(vm.chain().file(disk.getKey()), vm.chain().file(disk.getValue()))) {
                return HeadState.ASIDE;
            }
        }
        return HeadState.ASIDE_AND_EVEN;
    }
}
