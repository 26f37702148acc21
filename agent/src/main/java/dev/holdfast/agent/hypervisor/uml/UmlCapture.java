package dev.holdfast.agent.hypervisor.uml;

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
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.time.Duration;
import java.util.Optional;

/**
 * One capture of the disks of one guest. That they stood still from its stop until it is let run is told by the host's kernel: a process
 * that sleeps, and has not gone to sleep again, has not woken up. The guest itself may have, for a tick of its clock that was due. One thread; {@link #cutShort} from any.
 */
final class UmlCapture extends InterruptibleCapture implements DisksOnlyCapture {
    private final UmlVm vm;
    private final CapturePlan plan;
    private final Overlays overlays = new Overlays();
    private volatile boolean guestRan;
    private boolean mayHaveFrozen;
    private boolean thawed;
    private Optional<GuestProcesses.Standstill> standstill = Optional.empty();

    UmlCapture(UmlVm vm, CapturePlan plan) {
        super(vm.name());
        this.vm = vm;
        this.plan = plan;
    }

    @Override
    public void prepare() throws HypervisorException {
        if (plan.method() != CaptureMethod.DISK_ONLY) {
            throw new HypervisorException(Kind.REFUSED, vm.name() + ": " + UmlVm.NO_MEMORY);
        }
        VmStatus status = vm.status();
        guestRan = status == VmStatus.RUNNING;
        if (!guestRan && status != VmStatus.PAUSED) {
            throw new HypervisorException(
                    Kind.REFUSED, "%s is %s; look at its storage, and restart it".formatted(vm.name(), status));
        }
        overlays.open(vm.storage(), vm.disks(), vm.storage().activeNodes(), plan.overlays());
    }

    @Override
    public boolean isStoppedByOthers() {
        try {
            return guestRan && !mayHaveFrozen && vm.processes().isStopped();
        } catch (HypervisorException e) {
            return false; // It has ended: whatever is done next says so.
        }
    }

    @Override
    public boolean approach(Progress progress) throws HypervisorException {
        checkNotCutShort();
        return false;
    }

    @Override
    public FreezeFacts freeze() throws HypervisorException {
        checkNotCutShort();
        long start = vm.nanoClock().getAsLong();
        if (guestRan) {
            mayHaveFrozen = true;
            if (!vm.stop(plan.deadline())) {
                mayHaveFrozen = false;
                throw new HypervisorException(
                        Kind.FAILED, "somebody else has stopped " + vm.name() + "; let it run, and try again");
            }
        }
        standstill = Optional.of(vm.awaitStandstill(plan.left(vm.nanoClock().getAsLong() - start)));
        checkNotCutShort();
        return new FreezeFacts(vm.nanoClock().getAsLong(), 0, !guestRan);
    }

    @Override
    public void capture() throws HypervisorException {
        checkNotCutShort();
        beginCut();
        overlays.cut(vm.storage(), plan.deadline());
        checkNotCutShort();
    }

    @Override
    public ThawFacts proveAndThaw() throws HypervisorException {
        checkNotCutShort();
        VmStatus before = vm.status();
        boolean wrote = standstill.isEmpty() || !vm.processes().lasts(standstill.get());
        if (guestRan) {
            wrote |= !vm.letRun(plan.deadline());
            thawed = true;
        }
        // Nothing here rests on having heard of each event, so that no loss of a connection could hide one.
        return new ThawFacts(
                before,
                wrote ? 1 : 0,
                vm.identity().isAlive(),
                true,
                vm.nanoClock().getAsLong(),
                0);
    }

    @Override
    protected void letRunAtOnce(Duration bound) throws HypervisorException {
        if (guestRan) {
            vm.thaw(bound);
        }
    }

    @Override
    protected void letRunAgain() throws HypervisorException {
        if (mayHaveFrozen && !thawed) {
            vm.thaw(plan.deadline());
            thawed = true;
        }
    }

    @Override
    protected void discard(boolean mayHaveCut) throws HypervisorException {
        if (!mayHaveCut && overlays.areOpen()) {
            overlays.close(vm.storage());
        }
    }

    @Override
    public void close() {
        // There is nothing to observe.
    }
}
