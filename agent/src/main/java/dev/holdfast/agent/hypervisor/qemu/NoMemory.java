package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.MemoryFacts;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;

/** A capture of the disks only. */
final class NoMemory implements MemoryWriter {
    @Override
    public MemoryFacts finish(Progress progress) {
        return new MemoryFacts(CaptureMethod.DISK_ONLY, 0);
    }
}
