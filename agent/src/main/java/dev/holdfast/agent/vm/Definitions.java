package dev.holdfast.agent.vm;

import dev.holdfast.agent.config.VmSettings;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.coordinator.protocol.Name;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Machines as the configuration has them, in the words of the hypervisor port. */
public final class Definitions {

    private Definitions() {}

    /** The machines, each with its group if it has one. */
    public static Map<VmDefinition, Optional<Name>> of(List<VmSettings> settings) {
        Map<VmDefinition, Optional<Name>> definitions = new LinkedHashMap<>();
        settings.forEach(vm -> definitions.put(definition(vm), vm.group()));
        return definitions;
    }

    private static VmDefinition definition(VmSettings vm) {
        return new VmDefinition(
                vm.name(),
                vm.hypervisor(),
                vm.hardware().map(Definitions::hardware),
                vm.domain().orElse(vm.name().value()),
                vm.disks().stream()
                        .map(disk -> new VmDefinition.Disk(disk.id(), disk.path(), disk.keep(), disk.cowPercent()))
                        .toList());
    }

    private static VmDefinition.Hardware hardware(VmSettings.Hardware vm) {
        return new VmDefinition.Hardware(
                vm.machine(),
                switch (vm.accelerator()) {
                    case KVM -> VmDefinition.Accelerator.KVM;
                    case TCG -> VmDefinition.Accelerator.TCG;
                },
                vm.cpu(),
                vm.cpus(),
                vm.memoryBytes(),
                vm.guestAgent(),
                vm.kernel()
                        .map(kernel -> new VmDefinition.Kernel(
                                kernel, vm.initrd(), vm.append().orElse(""))),
                vm.extraArguments(),
                vm.nics().stream().map(Definitions::nic).toList());
    }

    private static VmDefinition.Nic nic(VmSettings.Nic nic) {
        return nic.tap()
                .map(tap -> VmDefinition.Nic.tap(nic.id(), tap, nic.mac()))
                .orElseGet(() -> new VmDefinition.Nic(nic.id(), nic.netdev().orElse("user"), nic.mac()));
    }
}
