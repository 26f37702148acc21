package dev.holdfast.agent.hypervisor.block;

import dev.holdfast.agent.hypervisor.Capture;
import dev.holdfast.agent.hypervisor.MemoryFacts;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;

/** A capture without memory. */
public interface DisksOnlyCapture extends Capture {
    @Override
    default CaptureMethod method() {
        return CaptureMethod.DISK_ONLY;
    }

    @Override
    default MemoryFacts drain(Progress progress) {
        return new MemoryFacts(CaptureMethod.DISK_ONLY, 0);
    }
}
