package dev.holdfast.agent.round;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.snapshot.VmSlot;
import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.agent.vm.VmRegistry;
import java.util.Optional;

/** A machine's one connection, as the chain uses it. */
record MachineSlot(VmRegistry vms, ManagedVm machine) implements VmSlot {

    @Override
    public Optional<RunningVm> running() throws HypervisorException {
        return vms.process(machine);
    }

    @Override
    public void became(Optional<RunningVm> process) {
        vms.became(machine, process);
    }
}
