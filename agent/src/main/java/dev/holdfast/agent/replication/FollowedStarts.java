package dev.holdfast.agent.replication;

import dev.holdfast.agent.hypervisor.Hypervisor;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.MemoryImages;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.replication.Replication;
import dev.holdfast.coordinator.protocol.Name;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * A hypervisor that starts replicated machines so that a standby can be attached to them, whoever asks. Thread-safe.
 *
 * @param plain starts all others
 * @param replication starts those that are replicated
 * @param replicated which these are
 */
public record FollowedStarts(Hypervisor plain, Replication replication, Predicate<Name> replicated)
        implements Hypervisor {

    @Override
    public RunningVm start(VmDefinition definition, StartMode mode) throws HypervisorException {
        return replicated.test(definition.name()) ? replication.start(definition, mode) : plain.start(definition, mode);
    }

    /** A standby may stand on them. */
    @Override
    public boolean ownsLayers(VmDefinition definition) {
        return !replicated.test(definition.name()) && plain.ownsLayers(definition);
    }

    @Override
    public boolean isBarred(VmDefinition definition) {
        return plain.isBarred(definition);
    }

    @Override
    public MemoryImages images() {
        return plain.images();
    }

    @Override
    public void permit(VmDefinition definition) throws HypervisorException {
        plain.permit(definition);
    }

    @Override
    public Set<Name> running() {
        return plain.running();
    }

    @Override
    public boolean mayRun(Name vm) {
        return plain.mayRun(vm);
    }

    @Override
    public Optional<RunningVm> find(VmDefinition definition, Optional<String> instance) throws HypervisorException {
        return plain.find(definition, instance);
    }

    @Override
    public void kill(VmDefinition definition, Optional<String> instance) throws HypervisorException {
        plain.kill(definition, instance);
    }

    @Override
    public RunningVm takePlace(RunningVm instance, VmDefinition definition) throws HypervisorException {
        return plain.takePlace(instance, definition);
    }
}
