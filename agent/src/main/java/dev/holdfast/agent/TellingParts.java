package dev.holdfast.agent;

import dev.holdfast.agent.round.NodeParts;
import dev.holdfast.agent.round.Parts;
import dev.holdfast.agent.round.VmPart;
import dev.holdfast.agent.round.Whereabouts;
import dev.holdfast.coordinator.port.Snapshotter.PhaseException;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundSpec;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.function.Predicate;

/**
 * What a machine became in a round is known everywhere before the round is over: the next one looks for it. Thread-safe.
 *
 * @param parts the machines
 * @param publish tells the cluster what they are now
 * @param later shortens chains after a round
 * @param self this node
 * @param replicated machines that no round may have yet
 */
record TellingParts(NodeParts parts, Runnable publish, Executor later, Name self, Predicate<Name> replicated)
        implements Parts {

    @Override
    public VmPart part(RoundSpec spec, Name vm) throws PhaseException {
        if (replicated.test(vm)) {
            throw new PhaseException(Refusal.preflight(ReplicatedMembers.refusal(vm)));
        }
        return parts.part(spec, vm);
    }

    @Override
    public void requireRoom(RoundSpec spec, Set<Name> mine) throws PhaseException {
        parts.requireRoom(spec, mine);
    }

    @Override
    public Whereabouts whereabouts(RoundSpec spec, Name vm) throws PhaseException {
        return parts.whereabouts(spec, vm);
    }

    @Override
    public void end(RoundSpec spec) {
        parts.end(spec);
        publish.run();
        later.execute(() -> spec.members().on(self).forEach(parts::compact));
    }
}
