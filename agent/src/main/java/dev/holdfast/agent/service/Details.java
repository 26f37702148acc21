package dev.holdfast.agent.service;

import dev.holdfast.agent.control.reply.VmDetails;
import dev.holdfast.agent.hypervisor.DiskState;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.coordinator.protocol.Name;
import java.util.List;
import java.util.Optional;

/** What is shown of a machine. */
final class Details {
    private Details() {}

    static VmDetails of(ManagedVm vm, Name node, Optional<String> operation) {
        VmDefinition definition = vm.definition();
        Optional<RunningVm> process = vm.process();
        return new VmDetails(
                vm.name(),
                node,
                vm.group().map(Name::value),
                vm.state(),
                process.map(running -> running.identity().pid()),
                definition.machine(),
                definition.cpus(),
                definition.memoryBytes(),
                process.map(RunningVm::hypervisor).orElse(""),
                operation.orElse(""),
                disks(vm, process));
    }

    /** What is open only if nobody else is using the machine: a list must not wait for a checkpoint. */
    private static List<VmDetails.Disk> disks(ManagedVm vm, Optional<RunningVm> process) {
        List<DiskState> open = List.of();
        if (process.isPresent() && vm.lock().tryLock()) {
            try {
                open = process.get().disks();
            } catch (HypervisorException e) {
                open = List.of();
            } finally {
                vm.lock().unlock();
            }
        }
        List<DiskState> states = open;
        return vm.definition().disks().stream().map(disk -> disk(disk, states)).toList();
    }

    private static VmDetails.Disk disk(VmDefinition.Disk disk, List<DiskState> states) {
        Optional<DiskState> state =
                states.stream().filter(open -> open.id().equals(disk.id())).findFirst();
        return new VmDetails.Disk(
                disk.id(),
                disk.path().toString(),
                state.map(open -> open.active().getFileName().toString()).orElse(""),
                state.map(open -> open.layers().size()).orElse(0),
                -1);
    }
}
