package dev.holdfast.agent.round;

import dev.holdfast.coordinator.port.Snapshotter.PhaseException;
import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundSpec;
import java.util.Set;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The machines for which a node makes a decision true. A chain belongs to the node that runs its machine: the decision about one
 * that was started elsewhere is made true there, and the round must not end before that, because its record is all that tells
 * the other node.
 *
 * @param self this node
 * @param parts tells where machines are
 */
record Duty(Name self, Parts parts) {

    private static final Logger LOG = LoggerFactory.getLogger(Duty.class);

    /** @throws PhaseException not yet: another node has still to do its part, or a definition is missing */
    Set<Name> of(RoundSpec spec, Decision decision) throws PhaseException {
        Set<Name> here = new TreeSet<>();
        for (Name vm : spec.members().on(self)) {
            switch (parts.whereabouts(spec, vm)) {
                case HERE -> here.add(vm);
                case NOT_ADMITTED -> notAdmitted(spec, decision, vm, here);
                case NOT_DEFINED -> requireNothingToKeep(spec, decision, vm);
                case ELSEWHERE_AND_DONE ->
                    LOG.info("round {}: {} runs on another node, which has seen to it", spec.id(), vm);
                case ELSEWHERE_AND_OPEN ->
                    throw new PhaseException(Refusal.failed(
                            "%s was started on another node, whose agent has not yet made round %s true for it; waiting for it"
                                    .formatted(vm, spec.id())));
            }
        }
        return here;
    }

    /**
     * Requires that nothing on this node waits for the decision of a round that has no record any more.
     *
     * @throws PhaseException something does, or nobody can tell
     */
    void requireNothingWaits(RoundSpec spec) throws PhaseException {
        for (Name vm : spec.members().on(self)) {
            if (waits(spec, vm)) {
                throw new PhaseException(Refusal.failed(
                        ("%s waits for the decision of round %s, of which the store has no record any more; see \"A round that"
                                        + " nobody remembers\" in docs/operations.md")
                                .formatted(vm, spec.id())));
            }
        }
    }

    private boolean waits(RoundSpec spec, Name vm) throws PhaseException {
        try {
            return parts.isUnderWay(spec, vm);
        } catch (PhaseException e) {
            throw new PhaseException(
                    Refusal.failed(
                            ("the store has no record of round %s any more, and node %s cannot look whether the chain of %s waits for"
                                            + " its decision: %s. Put back its definition, or what of its chain cannot be read")
                                    .formatted(spec.id(), self, vm, e.because().text())),
                    e);
        }
    }

    /** An aborted round does not wait for it. A committed one does: somebody has changed its definition, and is told so. */
    private static void notAdmitted(RoundSpec spec, Decision decision, Name vm, Set<Name> here) {
        if (decision == Decision.COMMITTED) {
            here.add(vm);
            return;
        }
        LOG.info("round {}: {} has no chain of layers and was never part of it here", spec.id(), vm);
    }

    /** Somebody took the definition away. What was to be undone stays for 'holdfast fsck'; what counts must not be lost. */
    private void requireNothingToKeep(RoundSpec spec, Decision decision, Name vm) throws PhaseException {
        if (decision == Decision.COMMITTED) {
            throw new PhaseException(Refusal.failed(
                    "round %s is committed, but node %s no longer has the definition of %s; put it back, and restart the agent"
                            .formatted(spec.id(), self, vm)));
        }
        LOG.warn("round {}: {} is no longer defined on this node; nothing of it is undone here", spec.id(), vm);
    }
}
