package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.qmp.QmpCommand;
import java.time.Duration;

/** The guest stops between two instructions: QEMU ends what it has begun to write, on both nodes, and all disks are of that moment. */
final class DiskCut implements EpochCut {
    private static final Duration FLUSH = Duration.ofSeconds(30);
    private static final Duration RUN = Duration.ofSeconds(5);

    private final QemuPrimary primary;
    private final QemuVm vm;
    private final EpochSteps steps;
    private long bytes = -1;

    DiskCut(QemuPrimary primary, EpochSteps steps) {
        this.primary = primary;
        this.vm = primary.vm();
        this.steps = steps;
    }

    @Override
    public void take(AtStand stand) throws HypervisorException {
        primary.checkNothingLost(QmpCommand.of("stop"), FLUSH);
        steps.mark("still");
        stand.run();
    }

    @Override
    public void undo(boolean still) throws HypervisorException {
        if (still) {
            vm.pause();
        } else if (!hasEnded()) {
            vm.thaw(RUN);
        }
    }

    /** Its disks are sent to the end, and there is nothing to be let run. */
    private boolean hasEnded() throws HypervisorException {
        return vm.status() == VmStatus.GUEST_ENDED;
    }

    @Override
    public void resume() throws HypervisorException {
        try {
            QemuVm.resume(vm.monitor(), RUN);
        } catch (HypervisorException e) {
            if (!hasEnded()) {
                throw e;
            }
        }
    }

    @Override
    public long bytes() throws HypervisorException {
        if (bytes < 0) {
            bytes = primary.newlyWritten();
        }
        return bytes;
    }
}
