package dev.holdfast.agent.hypervisor.xen;

import dev.holdfast.agent.hypervisor.CapturePlan;
import dev.holdfast.agent.hypervisor.FreezeFacts;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.InterruptibleCapture;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.ThawFacts;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.hypervisor.block.DisksOnlyCapture;
import dev.holdfast.agent.hypervisor.block.Overlays;
import dev.holdfast.agent.hypervisor.xen.XlDomain.Flag;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.time.Duration;
import java.util.Optional;

/**
 * One capture of the disks of one domain. That it stood still is told by its processors' time: an unpause that was undone before they had
 * run for a tenth of a second is not seen. One thread; {@link #cutShort} from any.
 */
final class XenCapture extends InterruptibleCapture implements DisksOnlyCapture {
    private final XenVm vm;
    private final CapturePlan plan;
    private final Overlays overlays = new Overlays();
    private Optional<QdiskMonitor> qdisk = Optional.empty();
    private Optional<XlDomain> frozen = Optional.empty();
    /** Our pause is on the domain, or may be; the thread that takes this back undoes it, and it alone. */
    private boolean mayBePaused;

    XenCapture(XenVm vm, CapturePlan plan) {
        super(vm.name());
        this.vm = vm;
        this.plan = plan;
    }

    @Override
    public void prepare() throws HypervisorException {
        if (plan.method() != CaptureMethod.DISK_ONLY) {
            throw new HypervisorException(Kind.REFUSED, vm.name() + ": " + XenVm.NO_MEMORY);
        }
        VmStatus status = vm.status();
        if (status != VmStatus.RUNNING && status != VmStatus.PAUSED) {
            throw new HypervisorException(
                    Kind.REFUSED, "the guest of %s has ended (%s); restart it".formatted(vm.name(), status));
        }
        QdiskMonitor disks = vm.qdisk();
        qdisk = Optional.of(disks);
        overlays.open(disks.blocks(), disks.disks(), disks.activeNodes(), plan.overlays());
    }

    /** Pauses are counted, so that it would not matter. */
    @Override
    public boolean isStoppedByOthers() {
        return false;
    }

    @Override
    public boolean approach(Progress progress) throws HypervisorException {
        checkNotCutShort();
        return false;
    }

    @Override
    public FreezeFacts freeze() throws HypervisorException {
        long start = vm.nanoClock().getAsLong();
        boolean early = XenVm.status(vm.look(plan.deadline())) == VmStatus.PAUSED;
        synchronized (this) {
            // Who cuts it short says so before he waits for this.
            checkNotCutShort();
            mayBePaused = true;
            vm.stop(left(start));
        }
        XlDomain now = vm.look(left(start));
        if (!now.is(Flag.PAUSED)) {
            throw new HypervisorException(Kind.FAILED, "somebody has let " + vm.name() + " run right after its pause");
        }
        frozen = Optional.of(now);
        return new FreezeFacts(vm.nanoClock().getAsLong(), 0, early);
    }

    @Override
    public void capture() throws HypervisorException {
        checkNotCutShort();
        beginCut();
        overlays.cut(
                qdisk.orElseThrow(() -> new IllegalStateException("not prepared"))
                        .blocks(),
                plan.deadline());
        checkNotCutShort();
    }

    @Override
    public ThawFacts proveAndThaw() throws HypervisorException {
        checkNotCutShort();
        long start = vm.nanoClock().getAsLong();
        XlDomain before = vm.look(plan.deadline());
        boolean stoodStill = frozen.equals(Optional.of(before));
        undoPause(left(start));
        return new ThawFacts(
                XenVm.status(before),
                stoodStill ? 0 : 1,
                // The domain of that number is the one that was paused.
                true,
                true,
                vm.nanoClock().getAsLong(),
                0);
    }

    @Override
    protected void letRunAtOnce(Duration bound) throws HypervisorException {
        undoPause(bound);
    }

    private synchronized void undoPause(Duration bound) throws HypervisorException {
        if (mayBePaused) {
            vm.undoStop(bound);
            mayBePaused = false;
        }
    }

    private Duration left(long start) {
        return plan.left(vm.nanoClock().getAsLong() - start);
    }

    @Override
    protected void letRunAgain() throws HypervisorException {
        undoPause(plan.deadline());
    }

    @Override
    protected void discard(boolean mayHaveCut) throws HypervisorException {
        if (!mayHaveCut && overlays.areOpen()) {
            overlays.close(qdisk.orElseThrow().blocks());
        }
    }

    @Override
    public void close() {
        qdisk.ifPresent(QdiskMonitor::close);
    }
}
