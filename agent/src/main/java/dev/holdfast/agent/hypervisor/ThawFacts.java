package dev.holdfast.agent.hypervisor;

/**
 * What was true when the machine was let run again. Nothing came between the question about the status and the order to run: they went
 * out in one write, or what was asked is the host's kernel.
 *
 * @param statusBefore the status in answer to that question
 * @param resumesSinceStop how often somebody had resumed it between its stop and that answer; 1 for a driver that can only tell
 *     that it was
 * @param sameProcess whether it is still the process that was stopped
 * @param sameConnection whether no connection was lost in between, so that no event can have been missed; true where nothing
 *     rests on events
 * @param atNanos our monotonic clock when it ran again
 * @param wallMicros the hypervisor's wall clock then, 0 if it does not tell
 */
public record ThawFacts(
        VmStatus statusBefore,
        int resumesSinceStop,
        boolean sameProcess,
        boolean sameConnection,
        long atNanos,
        long wallMicros) {
    /** Whether it stood still from its stop until it was asked. */
    public boolean stoodStill() {
        return statusBefore.still() && resumesSinceStop == 0 && sameProcess && sameConnection;
    }
}
