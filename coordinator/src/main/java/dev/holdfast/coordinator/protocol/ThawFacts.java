package dev.holdfast.coordinator.protocol;

/**
 * What the hypervisor said at the moment of the thaw, for all machines of a node together (the worst of each). The
 * question about the state and the order to run went out in one write, so nothing can have come between them.
 *
 * @param stoppedAtThaw the last state seen before the order to run was "stopped by us"
 * @param resumesSinceStop how often anybody resumed a machine since it stopped, up to the order to run
 * @param sameInstance it is the same process, reached over the same connection, as when it stopped
 * @param heldForNanos how long the longest freeze lasted, by the monotonic clock, from arming the guard to this answer
 */
public record ThawFacts(boolean stoppedAtThaw, int resumesSinceStop, boolean sameInstance, long heldForNanos) {

    /**
     * Whether the machines provably stood still from their stop until after the last FROZEN was processed.
     *
     * @param leaseNanos how long the freeze was allowed to last
     */
    public boolean proveStillness(long leaseNanos) {
        return stoppedAtThaw && resumesSinceStop == 0 && sameInstance && heldForNanos < leaseNanos;
    }
}
