package dev.holdfast.agent.service;

import dev.holdfast.agent.control.reply.VmDetails;
import dev.holdfast.agent.hypervisor.DiskState;
import dev.holdfast.agent.hypervisor.GuestHardware;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.ProcessIdentity;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.snapshot.DiskStorage;
import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.coordinator.protocol.Name;
import java.util.List;
import java.util.Optional;

/** What is shown of a machine. */
final class Details {
    private Details() {}

    /** What a machine tells; nothing of it if nobody asked. */
    private record Told(List<DiskState> disks, Optional<GuestHardware> hardware) {
        static final Told NOTHING = new Told(List.of(), Optional.empty());
    }

    static VmDetails of(ManagedVm vm, Name node, Optional<String> operation) {
        VmDefinition definition = vm.definition();
        Optional<RunningVm> process = vm.process();
        Told told = told(vm, process);
        Optional<GuestHardware> hardware =
                definition.hardware().map(own -> GuestHardware.of(definition)).or(told::hardware);
        return new VmDetails(
                vm.name(),
                node,
                vm.group().map(Name::value),
                vm.state(),
                process.flatMap(running -> running.identity().process()).map(ProcessIdentity::pid),
                hardware.map(GuestHardware::machine).orElse(""),
                hardware.map(GuestHardware::cpus).orElse(0),
                hardware.map(GuestHardware::memoryBytes).orElse(0L),
                process.map(RunningVm::hypervisor).orElse(""),
                operation.orElse(""),
                definition.disks().stream()
                        .map(disk -> disk(disk, told.disks()))
                        .toList());
    }

    /** Asked only if nobody else is using the machine: a list must not wait for a checkpoint. */
    private static Told told(ManagedVm vm, Optional<RunningVm> process) {
        if (process.isEmpty() || !vm.lock().tryLock()) {
            return Told.NOTHING;
        }
        try {
            return new Told(process.get().disks(), Optional.of(process.get().hardware()));
        } catch (HypervisorException e) {
            return Told.NOTHING;
        } finally {
            vm.lock().unlock();
        }
    }

    private static VmDetails.Disk disk(VmDefinition.Disk disk, List<DiskState> states) {
        Optional<DiskState> state =
                states.stream().filter(open -> open.id().equals(disk.id())).findFirst();
        return new VmDetails.Disk(
                disk.id(),
                disk.path().toString(),
                state.map(open -> open.active().getFileName().toString()).orElse(""),
                state.map(open -> open.layers().size()).orElse(0),
                -1,
                "");
    }

    /** The same with what the storage of its disks does with them. */
    static VmDetails with(VmDetails vm, List<DiskStorage> storage) {
        return new VmDetails(
                vm.name(),
                vm.node(),
                vm.group(),
                vm.state(),
                vm.pid(),
                vm.machine(),
                vm.cpus(),
                vm.memoryBytes(),
                vm.hypervisor(),
                vm.operation(),
                vm.disks().stream().map(disk -> with(disk, storage)).toList());
    }

    private static VmDetails.Disk with(VmDetails.Disk disk, List<DiskStorage> storage) {
        String kept = storage.stream()
                .filter(each -> each.disk().equals(disk.id()))
                .map(DiskStorage::text)
                .findFirst()
                .orElse("");
        return new VmDetails.Disk(disk.id(), disk.path(), disk.layer(), disk.layers(), disk.bytes(), kept);
    }
}
