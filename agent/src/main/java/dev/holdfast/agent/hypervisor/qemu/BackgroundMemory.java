package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.MemoryFacts;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.qmp.QmpCommand;
import dev.holdfast.agent.qmp.QmpValue;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.nio.file.Path;
import java.time.Duration;

/**
 * Memory is write-protected at the standstill and written while the guest runs on: the pause does not depend on its size.
 * QEMU 7.2 runs the guest by itself once the protection is on; later ones leave it stopped, and to run it before that would
 * tear the image. One sequence serves both: start the stream, wait until pages go out, order to run.
 */
final class BackgroundMemory extends MemoryStream {
    private static final Duration OFTEN = Duration.ofMillis(1);
    private static final Duration SELDOM = Duration.ofMillis(50);

    private boolean started;

    BackgroundMemory(QemuVm vm, Path path) throws HypervisorException {
        super(vm, CaptureMethod.BACKGROUND, path);
    }

    @Override
    public QmpCommand orderToRun() {
        started = true;
        return START;
    }

    /** Looks seldom where QEMU tells by itself: each look delays it. */
    @Override
    public void ensureRunning(Resumption resumption, Duration bound) throws HypervisorException {
        long start = monitor.nanoClock().getAsLong();
        while (!resumption.within(vm.resumesByItself() ? SELDOM : OFTEN)) {
            QmpValue info = migration.query();
            QmpValue ram = info.path("ram");
            boolean pages = ram.path("normal").asLong() + ram.path("duplicate").asLong() > 0;
            // A status that is neither busy nor an end is that of before the stream.
            if (pages || Migration.isEnd(info)) {
                QemuVm.resume(monitor, monitor.left(start, bound));
                return;
            }
            if (monitor.left(start, bound).isZero()) {
                throw new HypervisorException(
                        Kind.UNKNOWN,
                        vm.name() + ": QEMU did not begin to write memory within " + bound.toMillis() + " ms");
            }
        }
        vm.sawItResumeByItself();
    }

    @Override
    public MemoryFacts finish(Progress progress) throws HypervisorException {
        try {
            return super.finish(progress);
        } catch (HypervisorException e) {
            if (started && e.kind() == Kind.UNKNOWN && vm.protection().isWaitedFor()) {
                throw new HypervisorException(
                        Kind.GUEST_BROKEN,
                        vm.name()
                                + ": the memory stream ended while QEMU itself waited for a write-protected page, so it"
                                + " answers nothing any more. Kill the process and restore the machine",
                        e);
            }
            throw e;
        }
    }

    @Override
    HypervisorException failed(QmpValue info) throws HypervisorException {
        if (started && vm.protection().hangs(info)) {
            return vm.protection().endMachine(info);
        }
        if (started && vm.protection().isLeftOn()) {
            return new HypervisorException(
                    Kind.GUEST_BROKEN,
                    vm.name() + ": " + Migration.failure(info)
                            + ", and this QEMU left the guest's memory write-protected:"
                            + " it hangs at its next write to a page not saved yet. Kill the process and restore the machine");
        }
        return super.failed(info);
    }
}
