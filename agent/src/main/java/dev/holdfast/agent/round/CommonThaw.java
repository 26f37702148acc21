package dev.holdfast.agent.round;

import dev.holdfast.agent.hypervisor.ThawFacts;
import dev.holdfast.agent.hypervisor.VmStatus;
import java.util.Collection;

/** What the thaws of all machines of a node come to: the worst of each. */
final class CommonThaw {

    private CommonThaw() {}

    static dev.holdfast.coordinator.protocol.ThawFacts of(
            Collection<ThawFacts> facts, boolean guardFired, long heldForNanos) {
        boolean stopped = facts.stream()
                .allMatch(fact -> fact.statusBefore() == VmStatus.PAUSED || fact.statusBefore() == VmStatus.CAPTURED);
        boolean same = facts.stream().allMatch(fact -> fact.sameProcess() && fact.sameConnection());
        int resumes = facts.stream().mapToInt(ThawFacts::resumesSinceStop).sum();
        return new dev.holdfast.coordinator.protocol.ThawFacts(
                stopped, guardFired ? resumes + 1 : resumes, same, heldForNanos);
    }
}
