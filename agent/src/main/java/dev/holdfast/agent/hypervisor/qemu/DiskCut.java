package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import java.time.Duration;

/** The guest stops between two instructions: QEMU ends what it has begun to write, on both nodes, and all disks are of that moment. */
record DiskCut(QemuVm vm) implements EpochCut {
    private static final Duration RUN = Duration.ofSeconds(5);

    @Override
    public void take(AtStand stand) throws HypervisorException {
        vm.pause();
        stand.run();
    }

    @Override
    public void undo(boolean still) throws HypervisorException {
        if (still) {
            vm.pause();
        } else {
            vm.thaw(RUN);
        }
    }

    @Override
    public long bytes() {
        return 0;
    }
}
