package dev.holdfast.agent.hypervisor;

/**
 * What was true when the machine was let run again. The question about the status went out in one write with the order
 * to run.
 *
 * @param statusBefore the status in answer to that question
 * @param resumesSinceStop how often somebody had resumed it between its stop and that answer
 * @param sameProcess whether it is still the process that was stopped
 * @param sameConnection whether no connection was lost in between, so that no event can have been missed
 * @param atNanos our monotonic clock when it ran again
 * @param wallMicros the hypervisor's wall clock then
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
