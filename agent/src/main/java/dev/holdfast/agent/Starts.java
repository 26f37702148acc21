package dev.holdfast.agent;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.migration.Reclaim;
import dev.holdfast.agent.round.LeftIntents;
import dev.holdfast.agent.round.NodeParts;
import dev.holdfast.agent.service.VmCommands;
import dev.holdfast.agent.snapshot.SnapshotException;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What has to be asked before a machine is started, and what its stop ends. Thread-safe. */
record Starts(Reclaim reclaim, NodeParts parts, ClusterLink cluster, LeftIntents leftIntents)
        implements VmCommands.Starter {
    private static final Logger LOG = LoggerFactory.getLogger(Starts.class);

    @Override
    public void start(Name vm, boolean placed, NodeParts.Start start) throws SnapshotException, HypervisorException {
        Optional<Refusal> left = reclaim.refusal(vm);
        if (left.isPresent()) {
            throw new SnapshotException(left.get());
        }
        parts.start(vm, placed ? cluster::surelyRunsElsewhere : cluster::runsElsewhere, leftIntents.on(vm), start);
    }

    @Override
    public void endRevert(Name vm) throws SnapshotException {
        if (parts.stopInRevert(vm)) {
            LOG.warn("{} was stopped in a revert, which will not run it", vm);
        }
    }
}
