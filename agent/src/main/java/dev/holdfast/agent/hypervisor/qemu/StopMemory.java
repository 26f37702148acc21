package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.nio.file.Path;
import java.time.Duration;

/** All memory is written at the standstill: the pause grows with its size. Works everywhere. */
final class StopMemory extends MemoryStream {
    StopMemory(QemuVm vm, Path path) throws HypervisorException {
        super(vm, CaptureMethod.STOP, path);
    }

    @Override
    public void afterCut(Duration bound) throws HypervisorException {
        monitor.call(START.name(), START.arguments());
        if (!migration.awaitStatus(events, "completed", bound).equals("completed")) {
            throw failed(migration.query());
        }
        migration.awaitFinalized(bound);
    }

    @Override
    public void ensureRunning(Resumption resumption, Duration bound) throws HypervisorException {
        QemuVm.resume(monitor, bound);
    }
}
