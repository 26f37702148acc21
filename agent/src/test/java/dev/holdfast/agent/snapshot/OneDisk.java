package dev.holdfast.agent.snapshot;

import dev.holdfast.agent.hypervisor.Hypervisor;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.snapshot.chain.ChainDirectory;
import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.agent.vm.Unreadable;
import dev.holdfast.agent.vm.VmRegistry;
import dev.holdfast.coordinator.protocol.Name;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The machines of a node that has one, with one disk. */
public final class OneDisk {

    private OneDisk() {}

    /** A small machine that nothing but its disks is special about. */
    public static VmDefinition definition(Name vm, VmDefinition.Disk... disks) {
        return new VmDefinition(
                vm,
                "pc-q35-7.2",
                VmDefinition.Accelerator.TCG,
                Optional.empty(),
                1,
                64 << 20,
                false,
                Optional.empty(),
                List.of(),
                List.of(disks),
                List.of());
    }

    /** @param chain has the disk {@code d0} */
    public static VmRegistry machines(Name vm, ChainDirectory chain, Hypervisor hypervisor) {
        VmDefinition definition = definition(vm, new VmDefinition.Disk("d0", chain.headFile("d0")));
        return new VmRegistry(
                Map.of(definition, Optional.empty()), Unreadable.NONE, hypervisor, new VmRegistry.Listener() {
                    @Override
                    public void onProcess(ManagedVm machine, RunningVm process) {
                        requireIts(machine);
                    }

                    @Override
                    public void onGone(ManagedVm machine) {
                        requireIts(machine);
                    }

                    private void requireIts(ManagedVm machine) {
                        if (!machine.name().equals(vm)) {
                            throw new AssertionError("there is no " + machine.name());
                        }
                    }
                });
    }
}
