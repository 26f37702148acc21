package dev.holdfast.coordinator.protocol;

import java.util.List;

/**
 * What happened to one machine in a round, as its agent measured it. Immutable. The instants are nanoseconds since 1970
 * by the node's wall clock, derived from one reading of that clock and the monotonic clock, so that differences on one
 * node are exact. They only <em>report</em>; nothing is decided by them.
 *
 * @param vm the machine
 * @param frozenAtNanos when its processors had stopped
 * @param capturedAtNanos when its disks were cut
 * @param thawedAtNanos when it ran again
 * @param pauseNanos how long it stood still, by the monotonic clock
 * @param method the method that was used
 * @param quiesce what came of the request to flush file systems: {@code no}, {@code done}, or {@code failed: why}
 * @param hypervisor name and version of what runs it
 * @param parts its files
 */
public record VmReport(
        Name vm,
        long frozenAtNanos,
        long capturedAtNanos,
        long thawedAtNanos,
        long pauseNanos,
        RoundOptions.CaptureMethod method,
        String quiesce,
        String hypervisor,
        List<Part> parts) {

    public VmReport {
        parts = List.copyOf(parts);
    }
}
