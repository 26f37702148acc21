package dev.holdfast.agent.hypervisor.xen;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.VmDefinition;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Writes what xl builds a domain from (xl.cfg(5)). */
final class XlConfiguration {
    /** xvda to xvdp, as far as Xen's names of disks have one number each. */
    private static final int MOST_DISKS = 16;

    private static final String STAYS = "preserve";
    /** A semicolon would begin another one. */
    private static final Pattern LINE = Pattern.compile("\\s*([a-z_0-9]+)\\s*=[^;]*");

    private static final Pattern CONTROL = Pattern.compile("\\p{Cntrl}");

    /** What Holdfast says itself; what domains are found, bounded and ended by. */
    private static final Set<String> OWN = Set.of(
            "name",
            "uuid",
            "type",
            "builder",
            "kernel",
            "ramdisk",
            "cmdline",
            "root",
            "extra",
            "memory",
            "maxmem",
            "vcpus",
            "maxvcpus",
            "disk",
            "vif",
            "pci",
            "on_poweroff",
            "on_reboot",
            "on_crash",
            "on_watchdog",
            "on_soft_reset");

    private XlConfiguration() {}

    /** @throws HypervisorException REFUSED if the machine, or the way it is to start, is not for this driver */
    static void check(VmDefinition vm, StartMode mode) throws HypervisorException {
        VmDefinition.Hardware hardware = vm.ownHardware();
        XenType.of(vm);
        if (mode.memory().isPresent()) {
            throw refused(vm, "cannot load memory under Xen yet; go back to its disks only, and boot");
        }
        if (mode.waiting()) {
            throw refused(vm, "cannot move while it runs under Xen; stop it, and start it there");
        }
        if (hardware.kernel().isEmpty()) {
            throw refused(vm, "has no kernel; Xen starts one that lies on the host: name it");
        }
        if (vm.disks().size() > MOST_DISKS) {
            throw refused(
                    vm,
                    "has %d disks; Xen has names for %d".formatted(vm.disks().size(), MOST_DISKS));
        }
        if (hardware.guestAgent()) {
            throw refused(vm, "is to have a guest agent; there is no channel for it under Xen");
        }
        for (String line : hardware.extraArguments()) {
            Matcher matcher = LINE.matcher(line);
            if (!matcher.matches() || OWN.contains(matcher.group(1))) {
                throw refused(
                        vm,
                        "has the extra argument \"%s\"; it must be a line KEY=VALUE of xl's configuration with a key that Holdfast does not write itself"
                                .formatted(line));
            }
        }
    }

    /**
     * The domain of that name. It stays when its guest has ended, so that it is known why, until it is destroyed.
     *
     * @param vm one that was {@linkplain #check checked}, with disks that are layers
     * @param uuid by which it is found to be ours
     * @throws HypervisorException REFUSED if a value cannot be written there
     */
    static String of(VmDefinition vm, String domain, UUID uuid) throws HypervisorException {
        VmDefinition.Hardware hardware = vm.ownHardware();
        VmDefinition.Kernel kernel = hardware.kernel().orElseThrow();
        List<String> lines = new ArrayList<>();
        lines.add("name = " + quoted(vm, domain));
        lines.add("uuid = " + quoted(vm, uuid.toString()));
        lines.add("type = " + quoted(vm, XenType.of(vm).word()));
        lines.add("kernel = " + quoted(vm, kernel.image().toString()));
        if (kernel.initrd().isPresent()) {
            lines.add("ramdisk = " + quoted(vm, kernel.initrd().get().toString()));
        }
        lines.add("cmdline = " + quoted(vm, kernel.append()));
        lines.add("memory = " + (hardware.memoryBytes() >> 20));
        lines.add("vcpus = " + hardware.cpus());
        List<String> disks = new ArrayList<>();
        for (int i = 0; i < vm.disks().size(); i++) {
            disks.add(quoted(vm, disk(vm, i)));
        }
        lines.add("disk = " + list(disks));
        List<String> cards = new ArrayList<>();
        for (VmDefinition.Nic nic : hardware.nics()) {
            cards.add(quoted(vm, "mac=" + nic.mac() + "," + nic.backend()));
        }
        lines.add("vif = " + list(cards));
        for (String event : List.of("on_poweroff", "on_reboot", "on_crash", "on_watchdog")) {
            lines.add(event + " = " + quoted(vm, STAYS));
        }
        for (String line : hardware.extraArguments()) {
            requirePrintable(vm, line);
            lines.add(line);
        }
        return lines.stream().collect(Collectors.joining("\n", "", "\n"));
    }

    /** What the guest calls its disk of that number. */
    static String device(int number) {
        return "xvd" + (char) ('a' + number);
    }

    /**
     * The path is last: all that follows belongs to it, commas included. Of one with a blank QEMU sees what is before that, and xl starts a
     * guest that has no such disk (seen with Xen 4.17 and QEMU 7.2).
     */
    private static String disk(VmDefinition vm, int number) throws HypervisorException {
        Path layer = vm.disks().get(number).path();
        if (layer.toString().contains(" ")) {
            throw refused(
                    vm, "has a disk whose path has a blank, which cannot be told to Xen: %s; move it".formatted(layer));
        }
        return "format=qcow2,vdev=" + device(number) + ",access=rw,backendtype=qdisk,target=" + layer;
    }

    private static String list(List<String> words) {
        return "[ " + String.join(", ", words) + " ]";
    }

    private static String quoted(VmDefinition vm, String text) throws HypervisorException {
        requirePrintable(vm, text);
        return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }

    private static void requirePrintable(VmDefinition vm, String text) throws HypervisorException {
        if (CONTROL.matcher(text).find()) {
            throw refused(
                    vm,
                    "is defined with \"%s\", which cannot be told to xl"
                            .formatted(CONTROL.matcher(text).replaceAll("?")));
        }
    }

    private static HypervisorException refused(VmDefinition vm, String why) {
        return new HypervisorException(Kind.REFUSED, vm.name() + " " + why);
    }

    /** The machine on the layers that its disks lead to now. @throws HypervisorException REFUSED if one leads nowhere */
    static VmDefinition onLayers(VmDefinition vm) throws HypervisorException {
        List<VmDefinition.Disk> layers = new ArrayList<>();
        for (VmDefinition.Disk disk : vm.disks()) {
            try {
                layers.add(new VmDefinition.Disk(disk.id(), disk.path().toRealPath()));
            } catch (IOException e) {
                throw new HypervisorException(
                        Kind.REFUSED,
                        "disk %s of %s: %s cannot be found".formatted(disk.id(), vm.name(), disk.path()),
                        e);
            }
        }
        return vm.withDisks(layers);
    }
}
