package dev.holdfast.agent.hypervisor;

import dev.holdfast.coordinator.protocol.Name;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * A virtual machine as its administrator described it. Immutable.
 *
 * @param name unique in the cluster
 * @param hypervisor what runs it
 * @param hardware what it is made of; empty for one that somebody else has made: then {@link RunningVm#hardware} tells it, while it runs
 * @param domain how its hypervisor calls it: a name, or a UUID
 * @param disks in the order of their addresses
 */
public record VmDefinition(
        Name name, HypervisorKind hypervisor, Optional<Hardware> hardware, String domain, List<Disk> disks) {

    private static final long MIB = 1 << 20;
    private static final Pattern MACHINE = Pattern.compile("[A-Za-z0-9_.-]+-[0-9]+\\.[0-9]+");
    private static final Pattern ID = Pattern.compile("[A-Za-z][A-Za-z0-9_-]{0,15}");
    private static final Pattern MAC = Pattern.compile("[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}");

    /** What runs the guest's instructions. */
    public enum Accelerator {
        /** The processor itself. */
        KVM,
        /** Emulation. */
        TCG;

        /** As the hypervisor spells it. */
        public String word() {
            return this == KVM ? "kvm" : "tcg";
        }
    }

    /**
     * Boot without a boot loader.
     *
     * @param image the kernel
     * @param initrd its initial file system, if any
     * @param append its command line
     */
    public record Kernel(Path image, Optional<Path> initrd, String append) {}

    /**
     * A disk.
     *
     * @param id 1 to 16 letters, digits, {@code -}, {@code _}; begins with a letter
     * @param path absolute; may be a symbolic link to the layer that is the newest
     * @param keep what becomes of an image of it that a snapshot has frozen
     * @param cowPercent how much of it can be overwritten before a copy of the kind {@link Keep#THICK} is spoilt, 1 to 100; at 100 it never is
     */
    public record Disk(String id, Path path, Keep keep, int cowPercent) {
        private static final int ALL = 100;

        /** One that is copied if its storage can. */
        public Disk(String id, Path path) {
            this(id, path, Keep.AUTO);
        }

        /** One whose copies are never spoilt. */
        public Disk(String id, Path path, Keep keep) {
            this(id, path, keep, ALL);
        }

        public Disk {
            require(
                    cowPercent >= 1 && cowPercent <= ALL,
                    "%d %% of disk %s cannot be kept, but 1 to 100 %%".formatted(cowPercent, id));
            require(ID.matcher(id).matches(), "the disk id \"" + id + "\" is not 1 to 16 letters, digits, '-' or '_'");
            require(path.isAbsolute(), "the path of disk " + id + " is not absolute: " + path);
        }
    }

    /**
     * A network card.
     *
     * @param id like that of a disk
     * @param backend in the hypervisor's words, without {@code id=}; see {@link #tap}
     * @param mac its address
     */
    public record Nic(String id, String backend, String mac) {
        public Nic {
            require(ID.matcher(id).matches(), "the nic id \"" + id + "\" is not 1 to 16 letters, digits, '-' or '_'");
            require(MAC.matcher(mac).matches(), "the address \"" + mac + "\" of nic " + id + " is no MAC address");
        }

        /** A card on an existing tap device. */
        public static Nic tap(String id, String device, String mac) {
            return new Nic(id, "tap,ifname=" + device + ",script=no,downscript=no", mac);
        }
    }

    /**
     * What a machine is made of.
     *
     * @param machine machine type with its version, as {@code pc-q35-7.2} or {@code uml-6.1}: an alias would change with the hypervisor's
     *     version, and old memory images would load nowhere
     * @param accelerator what runs the guest's instructions; without meaning for a driver whose guests are programs of the host
     * @param cpu processor model, or empty for the default of the machine type
     * @param cpus 1 to 255
     * @param memoryBytes whole MiB
     * @param guestAgent whether a channel to qemu-guest-agent is wanted
     * @param kernel direct boot, or empty for booting from the first disk or with the driver's own kernel
     * @param extraArguments handed to the hypervisor as they are
     * @param nics in the order of their addresses
     */
    public record Hardware(
            String machine,
            Accelerator accelerator,
            Optional<String> cpu,
            int cpus,
            long memoryBytes,
            boolean guestAgent,
            Optional<Kernel> kernel,
            List<String> extraArguments,
            List<Nic> nics) {

        public Hardware {
            extraArguments = List.copyOf(extraArguments);
            nics = List.copyOf(nics);
            require(
                    MACHINE.matcher(machine).matches(),
                    "the machine type \"" + machine
                            + "\" has no version; write for example pc-q35-7.2, so that checkpoints"
                            + " load on other versions of the hypervisor");
            require(cpus >= 1 && cpus <= 255, "cpus must be between 1 and 255, not " + cpus);
            require(
                    memoryBytes >= MIB && memoryBytes % MIB == 0,
                    "memory must be a whole number of MiB, not " + memoryBytes + " bytes");
        }
    }

    /** One that is called by its name. */
    public VmDefinition(Name name, HypervisorKind hypervisor, Optional<Hardware> hardware, List<Disk> disks) {
        this(name, hypervisor, hardware, name.value(), disks);
    }

    public VmDefinition {
        disks = List.copyOf(disks);
        Set<String> ids = new HashSet<>();
        disks.forEach(d -> require(ids.add(d.id()), "the id " + d.id() + " is used twice"));
        hardware.map(Hardware::nics)
                .orElse(List.of())
                .forEach(n -> require(ids.add(n.id()), "the id " + n.id() + " is used twice"));
    }

    /** What it is made of. @throws IllegalStateException if somebody else has made it */
    public Hardware ownHardware() {
        return hardware.orElseThrow(
                () -> new IllegalStateException("what " + name + " is made of is not in its definition"));
    }

    /** Whether its disks are layers of a chain of ours, or can be kept in one. */
    public boolean hasChain() {
        return !disks.isEmpty();
    }

    /** Whether its disks are layers of a chain of ours, which its process writes. */
    public boolean hasLayers() {
        return hasChain() && hypervisor.isOwn();
    }

    /** Whether it is to have a channel to an agent in its guest, as far as its definition says. */
    public boolean guestAgent() {
        return hardware.filter(Hardware::guestAgent).isPresent();
    }

    /** The same machine on other disks. */
    public VmDefinition withDisks(List<Disk> others) {
        return new VmDefinition(name, hypervisor, hardware, domain, others);
    }

    /** The disk of that id. */
    public Disk disk(String id) {
        return disks.stream()
                .filter(d -> d.id().equals(id))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(name + " has no disk " + id));
    }

    private static void require(boolean condition, String message) {
        if (!condition) {
            throw new IllegalArgumentException(message);
        }
    }
}
