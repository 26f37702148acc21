package dev.holdfast.agent;

import dev.holdfast.agent.round.Complaints;
import dev.holdfast.agent.round.LeftIntents;
import dev.holdfast.agent.round.NodeParts;
import dev.holdfast.agent.snapshot.SnapshotException;
import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.coordinator.protocol.Name;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends what a crash has cut off in the chains of this node's machines.
 *
 * @param leftIntents of rounds that another node left in a chain
 * @param complaints of chains that are not usable
 */
record ChainRecovery(LocalMachines machines, NodeParts parts, LeftIntents leftIntents, Complaints complaints) {
    private static final Logger LOG = LoggerFactory.getLogger(ChainRecovery.class);

    /** Local operations are ended before anybody uses the chains; rounds are the engine's. */
    void recoverAll() {
        for (ManagedVm vm : machines.vms().all()) {
            if (vm.process().isEmpty()) {
                // It may run on another node, and then its chain is that node's. Its next start here looks again.
                continue;
            }
            recover(vm.name());
        }
    }

    private void recover(Name vm) {
        try {
            parts.recover(vm, leftIntents.on(vm))
                    .ifPresent(operation -> LOG.warn("{}: ended {}, which had been cut off", vm, operation));
            complaints.end(vm);
        } catch (SnapshotException e) {
            if (complaints.isNew(vm, e.because().text())) {
                LOG.warn("{}: its chain is not usable now: {}", vm, e.because().text());
            }
        }
    }

    /** A machine was started here without waiting for the decision of the round that another node left in its chain. */
    void finishLeft() {
        machines.vms().all().stream()
                .filter(vm -> vm.process().isPresent() && parts.isLeft(vm.name()))
                .forEach(vm -> recover(vm.name()));
    }
}
