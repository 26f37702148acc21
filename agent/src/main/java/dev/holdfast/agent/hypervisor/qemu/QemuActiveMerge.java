package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.ActiveMerge;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.VmStatus;
import java.util.Map;

/** Commit of an active layer: a mirror onto the base until both are equal, then a switch. */
final class QemuActiveMerge implements ActiveMerge {
    private enum Step {
        NEW,
        RUNNING,
        PIVOTED
    }

    private final QemuVm vm;
    private final CommitJob job;
    private final Map<String, ?> arguments;
    private Step step = Step.NEW;

    QemuActiveMerge(QemuVm vm, CommitJob job, Map<String, ?> arguments) {
        this.vm = vm;
        this.job = job;
        this.arguments = arguments;
    }

    @Override
    public void run(Progress progress) throws HypervisorException {
        step = Step.RUNNING;
        job.start(arguments);
        job.awaitReady(progress);
    }

    @Override
    public void pivot() throws HypervisorException {
        if (vm.status() == VmStatus.RUNNING) {
            throw new HypervisorException(
                    Kind.REFUSED,
                    vm.name() + " runs; hold it, so that the head moves before it writes to the merged layer");
        }
        job.complete();
        step = Step.PIVOTED;
    }

    @Override
    public void finish() throws HypervisorException {
        vm.closeLeftovers();
    }

    @Override
    public void close() throws HypervisorException {
        if (step == Step.RUNNING) {
            step = Step.NEW;
            job.cancel();
        }
    }
}
