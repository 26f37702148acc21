package dev.holdfast.agent.config;

import dev.holdfast.agent.hypervisor.HypervisorKind;
import dev.holdfast.agent.hypervisor.Keep;
import dev.holdfast.coordinator.protocol.Name;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What one {@code vms/*.toml} says: a virtual machine. Immutable.
 *
 * @param name key {@code name}, required: unique on the node and in the cluster
 * @param group key {@code group}, optional: the machines that are checkpointed together
 * @param hypervisor key {@code hypervisor}, default {@code qemu}: what runs it
 * @param hardware what it is made of; empty with {@code hypervisor = "libvirt"}, where libvirt has it
 * @param domain key {@code domain}, only with {@code hypervisor = "libvirt"}: the domain's name or UUID; default: the machine's name
 * @param disks tables {@code [[disk]]}
 * @param replication table {@code [replication]}, optional: a live copy on another node
 */
public record VmSettings(
        Name name,
        Optional<Name> group,
        HypervisorKind hypervisor,
        Optional<Hardware> hardware,
        Optional<String> domain,
        List<Disk> disks,
        Optional<ReplicationSettings> replication) {

    /** Copies the list. */
    public VmSettings {
        disks = List.copyOf(disks);
    }

    /** Its memory, 0 if its definition does not say. */
    public long memoryBytes() {
        return hardware.map(Hardware::memoryBytes).orElse(0L);
    }

    /**
     * What a machine is made of.
     *
     * @param machine key {@code machine}, required: a machine type with its version, as {@code pc-q35-7.2}. Without a version
     *     it would change with the hypervisor, and old checkpoints would load nowhere. With {@code hypervisor = "uml"} it is
     *     {@code uml-6.1}, and the key is refused
     * @param accelerator key {@code accel}, default {@code kvm}
     * @param cpu key {@code cpu}, optional: the processor model. {@code host} is the fastest; a checkpoint then loads only on
     *     nodes with the same processor
     * @param cpus key {@code cpus}, default 1, 1 to 255
     * @param memoryBytes key {@code memory}, required, 1 MiB to 8 TiB, whole MiB. A checkpoint with memory takes that much disk
     *     space
     * @param guestAgent key {@code guest_agent}, default false: whether the guest runs qemu-guest-agent, which quiescing needs
     * @param kernel key {@code kernel}, optional: boot this kernel instead of the first disk. With {@code hypervisor = "uml"} a program
     * @param initrd key {@code initrd}, optional, only with {@code kernel}
     * @param append key {@code append}, optional, only with {@code kernel}: the kernel's command line
     * @param extraArguments key {@code extra_args}, default none: handed to the hypervisor as they are, unchecked. Devices that
     *     cannot be saved make checkpoints with memory impossible
     * @param nics tables {@code [[nic]]}
     */
    public record Hardware(
            String machine,
            Accelerator accelerator,
            Optional<String> cpu,
            int cpus,
            long memoryBytes,
            boolean guestAgent,
            Optional<Path> kernel,
            Optional<Path> initrd,
            Optional<String> append,
            List<String> extraArguments,
            List<Nic> nics) {

        /** Copies the lists. */
        public Hardware {
            extraArguments = List.copyOf(extraArguments);
            nics = List.copyOf(nics);
        }
    }

    /** What runs the guest's instructions. */
    public enum Accelerator {
        /** The processor itself: the normal case. */
        KVM,
        /** Emulation: works everywhere, ten times slower. */
        TCG
    }

    /**
     * A table {@code [[disk]]}.
     *
     * @param id key {@code id}, required: 1 to 16 letters, digits, {@code -}, {@code _}; never change it, checkpoints name
     *     disks by it. Of a domain of libvirt the disk's target, as {@code vda}
     * @param path key {@code path}, required: through the head of the chain directory
     *     ({@code /srv/vms/web.holdfast/head/d0.qcow2}), so that every start finds the newest data. Not checked when the
     *     agent starts, because storage may come later
     * @param keep key {@code keep}, default {@code auto}: what becomes of a raw image that a snapshot has frozen
     * @param cowPercent key {@code cow}, default {@code "100%"}: how much of the disk may be overwritten before a copy with {@code keep =
     *     "thick"} is spoilt, 1 to 100. Too small: checkpoints are lost. Too large: the volume group is soon full
     */
    public record Disk(String id, Path path, Keep keep, int cowPercent) {
        /** One whose copies are never spoilt. */
        public Disk(String id, Path path, Keep keep) {
            this(id, path, keep, 100);
        }
    }

    /**
     * A table {@code [[nic]]}: either {@code tap} or {@code netdev} is given.
     *
     * @param id key {@code id}, required, as for disks
     * @param tap key {@code tap}: the name of an existing tap device, at most 15 characters
     * @param netdev key {@code netdev}: a back end in the hypervisor's own words, without {@code id=}; one that a
     *     reverted machine could not take over is refused
     * @param mac key {@code mac}, required: a unicast address; without one of its own each clone would have the same
     */
    public record Nic(String id, Optional<String> tap, Optional<String> netdev, String mac) {}
}
