package dev.holdfast.agent.hypervisor;

import java.util.ArrayList;
import java.util.List;

/**
 * What a guest sees of its machine: memory loads only where all of it is the same. Immutable.
 *
 * @param machine machine type with its version
 * @param accelerator {@code kvm} or {@code tcg}
 * @param cpu processor model, empty for the default
 * @param cpus number of processors
 * @param memoryBytes size of its memory
 * @param devices disks and network cards in the order of their addresses
 */
public record GuestHardware(
        String machine, String accelerator, String cpu, int cpus, long memoryBytes, List<String> devices) {

    public GuestHardware {
        devices = List.copyOf(devices);
    }

    /** What the definition of a machine that runs says. @throws HypervisorException REFUSED if it says nothing of it any more */
    public static GuestHardware still(VmDefinition definition) throws HypervisorException {
        if (definition.hardware().isEmpty()) {
            throw new HypervisorException(
                    HypervisorException.Kind.REFUSED,
                    "%s still runs as what its definition does not describe any more; stop it, or put its definition back"
                            .formatted(definition.name()));
        }
        return of(definition);
    }

    /** What a definition says. @throws IllegalStateException if it says nothing of it */
    public static GuestHardware of(VmDefinition definition) {
        VmDefinition.Hardware own = definition.ownHardware();
        List<String> devices = new ArrayList<>();
        definition.disks().forEach(disk -> devices.add("disk " + disk.id()));
        own.nics().forEach(nic -> devices.add("nic " + nic.id() + " " + nic.mac()));
        if (own.guestAgent()) {
            devices.add("guest agent");
        }
        return new GuestHardware(
                own.machine(), own.accelerator().word(), own.cpu().orElse(""), own.cpus(), own.memoryBytes(), devices);
    }
}
