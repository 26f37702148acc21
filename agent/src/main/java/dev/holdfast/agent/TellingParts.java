package dev.holdfast.agent;

import dev.holdfast.agent.journal.RoundJournal;
import dev.holdfast.agent.replication.ReplicaPart;
import dev.holdfast.agent.replication.ReplicatedMachine;
import dev.holdfast.agent.round.NodeParts;
import dev.holdfast.agent.round.Parts;
import dev.holdfast.agent.round.VmPart;
import dev.holdfast.agent.round.Whereabouts;
import dev.holdfast.agent.snapshot.SnapshotException;
import dev.holdfast.coordinator.port.Snapshotter.PhaseException;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundSpec;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.function.Function;

/**
 * What a machine became in a round is known everywhere before the round is over: the next one looks for it. Thread-safe.
 *
 * @param parts the machines
 * @param publish tells the cluster what they are now
 * @param later shortens chains after a round
 * @param self this node
 * @param replicas those of them that are replicated
 */
record TellingParts(
        NodeParts parts,
        Runnable publish,
        Executor later,
        Name self,
        Function<Name, Optional<ReplicatedMachine>> replicas)
        implements Parts {

    @Override
    public VmPart part(RoundSpec spec, Name vm) throws PhaseException {
        VmPart part = parts.part(spec, vm);
        Optional<ReplicatedMachine> replica = replicas.apply(vm);
        return replica.isPresent() ? new ReplicaPart(spec, part, replica.get(), new Chain(parts, vm)) : part;
    }

    private record Chain(NodeParts parts, Name vm) implements ReplicaPart.Chain {
        @Override
        public boolean has(Name checkpoint) throws PhaseException {
            try {
                return parts.reading(vm, (operation, snapshots) -> snapshots.list()).stream()
                        .anyMatch(info -> info.snapshot().name().equals(checkpoint));
            } catch (SnapshotException e) {
                throw new PhaseException(e.because(), e);
            }
        }

        @Override
        public void endRevert() throws PhaseException {
            try {
                parts.stopInRevert(vm);
            } catch (SnapshotException e) {
                throw new PhaseException(e.because(), e);
            }
        }
    }

    @Override
    public void requireRoom(RoundSpec spec, Set<Name> mine) throws PhaseException {
        for (Name vm : mine) {
            if (replicas.apply(vm).isPresent()) {
                ReplicaPart.requireCheckpoint(spec, vm, new Chain(parts, vm));
            }
        }
        parts.requireRoom(spec, mine);
    }

    @Override
    public Whereabouts whereabouts(RoundSpec spec, Name vm) throws PhaseException {
        return parts.whereabouts(spec, vm);
    }

    @Override
    public boolean isUnderWay(RoundSpec spec, Name vm) throws PhaseException {
        return parts.isUnderWay(spec, vm);
    }

    @Override
    public void end(RoundSpec spec) {
        parts.end(spec);
        spec.members()
                .on(self)
                .forEach(vm -> replicas.apply(vm)
                        .ifPresent(machine -> machine.parking().end(RoundJournal.operation(spec.id()))));
        publish.run();
        later.execute(() -> spec.members().on(self).forEach(parts::compact));
    }
}
