package dev.holdfast.agent.snapshot;

import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.snapshot.chain.ChainExecutor.Removal;
import dev.holdfast.agent.snapshot.chain.Intent;
import dev.holdfast.agent.snapshot.chain.Layer;
import dev.holdfast.agent.snapshot.chain.LayerGraph;
import dev.holdfast.agent.snapshot.chain.LiveDisks;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/**
 * Whether a machine can start from the head of its chain.
 *
 * @param vm the machine
 */
record StartCheck(VmChain vm) {

    /** Opens what the head stands on, and touches nothing else. @throws SnapshotException it must not start, with the reason */
    void check() throws SnapshotException {
        try {
            Optional<Intent> intent = vm.chain().intent();
            if (intent.filter(open -> open.kind() == Intent.Kind.REVERT).isPresent()) {
                throw SnapshotException.busy("a revert of %s (%s) is not decided; it starts when the decision is known"
                        .formatted(vm.name(), intent.get().operation()));
            }
            LayerGraph graph = vm.chain().wholeGraph();
            // One that is set aside leads nowhere.
            List<Layer> live = vm.chain().head().layers().values().stream()
                    .flatMap(top -> graph.chain(top).stream())
                    .toList();
            vm.copies().volumes().openToStart(live);
            vm.executor(LiveDisks.NONE, Removal.QUARANTINE, Progress.NONE).flushHead();
        } catch (IOException e) {
            throw SnapshotException.of(e);
        }
    }
}
