package dev.holdfast.agent.snapshot;

import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.ThawFacts;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundOptions.Quiesce;
import dev.holdfast.coordinator.protocol.VmReport;
import java.util.Optional;

/**
 * One snapshot of one machine from beginning to end, outside a round. The guard watches from before the stop until it is
 * certain that the guest runs. One thread.
 */
final class SnapshotCreation {
    private final VmChain vm;
    private final SnapshotPhases phases;

    SnapshotCreation(VmChain vm, SnapshotPhases phases) {
        this.vm = vm;
        this.phases = phases;
    }

    /** @throws SnapshotException nothing is left of it and the guest runs, unless the message says otherwise */
    VmReport run(SnapshotRequest request, Quiesce quiesce, Progress progress) throws SnapshotException {
        phases.prepare(request);
        try {
            String quiesced = phases.freezes() ? watched(request, quiesce, progress) : still(quiesce);
            VmReport report = phases.drain(quiesced, progress, Progress.NONE);
            phases.publish(request.operation(), request.name());
            return report;
        } catch (SnapshotException e) {
            takeBack(request, e);
            throw e;
        }
    }

    private String watched(SnapshotRequest request, Quiesce quiesce, Progress progress) throws SnapshotException {
        FreezeWatch watch = vm.tools().watch();
        watch.arm(vm.name(), request.operation(), request.deadline());
        try {
            String quiesced = watch.quiesce(vm.name(), request.operation(), quiesce);
            phases.approach(progress);
            freezeAndThaw();
            watch.disarm(vm.name(), request.operation());
            return quiesced;
        } catch (SnapshotException e) {
            // The guest runs first. If that is not certain the guard goes on watching, and lets it run at the deadline.
            if (takeBack(request, e)) {
                watch.disarm(vm.name(), request.operation());
            }
            throw e;
        }
    }

    /** Nobody is stopped, so nobody has to watch. */
    private String still(Quiesce quiesce) throws SnapshotException {
        String quiesced = withoutGuest(quiesce);
        freezeAndThaw();
        return quiesced;
    }

    private String withoutGuest(Quiesce quiesce) throws SnapshotException {
        return switch (quiesce) {
            case NO -> "no";
            case TRY -> "failed: the guest does not run";
            case REQUIRE ->
                throw SnapshotException.refused(
                        "%s does not run, so that it cannot flush its file systems; let it run, or use --quiesce=try or no"
                                .formatted(vm.name()));
        };
    }

    private void freezeAndThaw() throws SnapshotException {
        phases.freeze();
        phases.capture();
        Optional<ThawFacts> thaw = phases.proveAndThaw();
        if (thaw.isPresent() && !thaw.get().stoodStill()) {
            throw new SnapshotException(Refusal.failed(
                    "somebody let %s run in the middle of its snapshot, so that it is not of one moment; try again"
                            .formatted(vm.name())));
        }
    }

    /** Whether nothing is left of it and the guest runs. */
    private boolean takeBack(SnapshotRequest request, SnapshotException because) {
        try {
            phases.abandon(request.operation());
            return true;
        } catch (SnapshotException again) {
            because.addSuppressed(again);
            return false;
        }
    }
}
