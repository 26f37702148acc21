package dev.holdfast.agent.hypervisor;

import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * What is to be captured and whereto.
 *
 * @param overlays per disk id the file, created beforehand with the present active layer as its backing file, that takes
 *     the writes after the cut; the layer before it is the capture. Must name every disk, or none: then they are cloned by others,
 *     between {@link Capture#capture} and the thaw
 * @param memory the memory image to create; empty exactly for DISK_ONLY
 * @param method AUTO picks what this machine and this host can do
 * @param deadline bound for each step that holds the guest still
 */
public record CapturePlan(Map<String, Path> overlays, Optional<Path> memory, CaptureMethod method, Duration deadline) {
    /** @throws IllegalArgumentException if memory and method do not fit each other */
    public CapturePlan {
        overlays = Map.copyOf(overlays);
        if (memory.isPresent() == (method == CaptureMethod.DISK_ONLY)) {
            throw new IllegalArgumentException("a memory image is needed for each method but disk-only");
        }
    }

    /** What a step that has taken so long, in nanoseconds, has left of its bound; never negative. */
    public Duration left(long spentNanos) {
        Duration left = deadline.minusNanos(spentNanos);
        return left.isNegative() ? Duration.ZERO : left;
    }
}
