package dev.holdfast.agent.config;

import dev.holdfast.agent.hypervisor.HypervisorKind;
import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.hypervisor.Keep;
import dev.holdfast.coordinator.protocol.Name;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/** Turns the tables of each {@code vms/*.toml} into a record, and knows what was seen in the files before. */
final class VmReader {
    private static final long MEBIBYTE = 1L << 20;
    private static final Pattern VERSIONED_MACHINE = Pattern.compile("[A-Za-z0-9_.-]+-\\d+\\.\\d+");
    private static final Pattern ID = Pattern.compile("[A-Za-z][A-Za-z0-9_-]{0,15}");
    private static final Pattern TAP = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,14}");
    private static final Set<String> UNUSABLE_BACK_ENDS = Set.of("vhost-user", "vhost-vdpa", "hubport", "nic", "none");
    private static final Set<String> OWN_OPTIONS = Set.of("id", "fd", "fds", "vhostfd", "vhostfds");
    private static final Pattern MAC = Pattern.compile("[0-9a-f][02468ace](:[0-9a-f]{2}){5}");

    /**
     * What one file says; the problems are noted beside.
     *
     * @param vm empty if the machine has no usable name
     * @param group its group, if it has a valid one
     * @param keysAreKnown whether no key is an unknown one
     */
    record Read(Optional<VmSettings> vm, Optional<Name> group, boolean keysAreKnown) {}

    /** Something that may be used once, and where it was. */
    private record Claim(TableReader table, String key) {}

    private final Map<String, Claim> seen = new HashMap<>();
    private boolean keysAreKnown;

    /** What two files claim neither of them has: which one is right, nobody can tell. */
    Read read(TableReader root) {
        keysAreKnown = true;
        Optional<Name> name = name(root);
        name.ifPresent(value -> unique(root, "name", "the machine \"" + value + "\"", "vm " + value));
        Optional<Name> group = root.name("group");
        HypervisorKind hypervisor = root.choice("hypervisor", HypervisorKind.class, HypervisorKind.QEMU);
        String owner = name.map(Name::value).orElse("?");
        List<VmSettings.Disk> disks = disks(root, owner, hypervisor);
        Optional<String> domain = LibvirtRules.domain(root, hypervisor);
        Optional<VmSettings.Hardware> hardware = hypervisor == HypervisorKind.LIBVIRT
                ? Optional.empty()
                : Optional.of(hardware(root, hypervisor, owner));
        Optional<ReplicationSettings> replication = replication(root, name, disks);
        if (hypervisor == HypervisorKind.UML) {
            hardware.ifPresent(read -> UmlRules.check(root, read, disks.size()));
        }
        if (hypervisor == HypervisorKind.LIBVIRT) {
            LibvirtRules.check(root, disks.size());
        }
        if (hypervisor == HypervisorKind.XEN) {
            root.problem(
                    "hypervisor",
                    "machines of Xen cannot be defined yet: no agent has been tried on a real Xen",
                    "use \"qemu\" or \"uml\"");
        }
        finish(root);
        return new Read(
                name.map(value -> new VmSettings(value, group, hypervisor, hardware, domain, disks, replication)),
                group,
                keysAreKnown);
    }

    private VmSettings.Hardware hardware(TableReader root, HypervisorKind hypervisor, String owner) {
        String machine = hypervisor == HypervisorKind.UML ? UmlRules.MACHINE : machine(root);
        VmSettings.Accelerator accelerator =
                root.choice("accel", VmSettings.Accelerator.class, VmSettings.Accelerator.KVM);
        Optional<String> cpu = root.text("cpu");
        int cpus = root.integer("cpus", 1, 1, 255);
        long memory = memory(root);
        boolean guestAgent = root.flag("guest_agent", false);
        Optional<Path> kernel = file(root, "kernel");
        Optional<Path> initrd = file(root, "initrd");
        Optional<String> append = root.text("append");
        if (!root.has("kernel") && (initrd.isPresent() || append.isPresent())) {
            String orphan = initrd.isPresent() ? "initrd" : "append";
            root.problem(orphan, "\"" + orphan + "\" means nothing without \"kernel\"", "add a kernel, or remove it");
        }
        List<String> extra = root.texts("extra_args");
        return new VmSettings.Hardware(
                machine, accelerator, cpu, cpus, memory, guestAgent, kernel, initrd, append, extra, nics(root, owner));
    }

    private Optional<ReplicationSettings> replication(
            TableReader root, Optional<Name> vm, List<VmSettings.Disk> disks) {
        if (!root.has("replication")) {
            return Optional.empty();
        }
        TableReader table = root.table("replication");
        ReplicationSettings settings = new ReplicationReader(table).read(vm);
        disks.stream()
                .filter(disk -> ImageForm.saidBy(disk.path()).isEmpty())
                .forEach(disk -> root.problem(
                        "replication",
                        "disk %s may be of any form by its path, %s, and only qcow2 images are replicated"
                                .formatted(disk.id(), disk.path()),
                        "write %s, or remove [replication]"
                                .formatted(ImageForm.QCOW2.fileName(disk.path().toString()))));
        if (disks.isEmpty()) {
            root.problem(
                    "replication",
                    "a machine without disks cannot be replicated",
                    "add a [[disk]], or remove [replication]");
        }
        finish(table);
        return Optional.of(settings);
    }

    private void finish(TableReader table) {
        keysAreKnown &= table.finish();
    }

    private static Optional<Name> name(TableReader root) {
        if (!root.has("name")) {
            root.requiredText("name");
            return Optional.empty();
        }
        return root.name("name");
    }

    private static String machine(TableReader root) {
        String machine = root.requiredText("machine");
        if (!machine.isEmpty() && !VERSIONED_MACHINE.matcher(machine).matches()) {
            root.problem(
                    "machine",
                    "the machine type \"" + machine
                            + "\" has no version, so that it would change with the hypervisor and old checkpoints would load nowhere",
                    "pin it, as \"pc-q35-7.2\"");
        }
        UmlRules.checkOther(root, machine);
        return machine;
    }

    private static long memory(TableReader root) {
        if (!root.has("memory")) {
            root.problem("memory", "the key \"memory\" is missing", "add it: memory = \"256M\"");
        }
        long bytes = root.size("memory", 256 * MEBIBYTE, MEBIBYTE, 8L << 40);
        if (bytes % MEBIBYTE != 0) {
            root.problem("memory", "\"memory\" is no whole number of MiB", "use \"256M\" or \"2G\"");
        }
        return bytes;
    }

    private static Optional<Path> file(TableReader root, String key) {
        Optional<Path> path = root.path(key);
        path.ifPresent(file -> SecretFile.checkReadable(root, key, file, "install it, or correct the path"));
        return path;
    }

    private List<VmSettings.Disk> disks(TableReader root, String vm, HypervisorKind hypervisor) {
        List<VmSettings.Disk> disks = new ArrayList<>();
        for (TableReader table : root.tables("disk")) {
            String id = id(table, vm, "disk");
            table.requiredText("path");
            Optional<Path> path = table.path("path");
            path.ifPresent(value -> unique(table, "path", "the disk image " + value, "path " + value));
            Keep keep = KeepReader.read(table, path, hypervisor);
            int cow = KeepReader.cowPercent(table, keep);
            finish(table);
            path.ifPresent(value -> disks.add(new VmSettings.Disk(id, value, keep, cow)));
        }
        return disks;
    }

    private List<VmSettings.Nic> nics(TableReader root, String vm) {
        List<VmSettings.Nic> nics = new ArrayList<>();
        for (TableReader table : root.tables("nic")) {
            String id = id(table, vm, "nic");
            Optional<String> tap = table.text("tap");
            Optional<String> netdev = table.text("netdev");
            if (tap.isPresent() == netdev.isPresent()) {
                table.problem(
                        "tap",
                        "a network card needs one back end, and this one has " + (tap.isPresent() ? "two" : "none"),
                        "give it either tap = \"tap0\" or netdev = \"...\"");
            }
            if (tap.isPresent() && !TAP.matcher(tap.get()).matches()) {
                table.problem("tap", "\"" + tap.get() + "\" is no name of a network device", "use at most 15 letters");
            }
            netdev.ifPresent(backend -> checkBackEnd(table, backend));
            String mac = table.requiredText("mac").toLowerCase(Locale.ROOT);
            if (!mac.isEmpty() && !MAC.matcher(mac).matches()) {
                table.problem(
                        "mac",
                        "\"" + mac + "\" is no unicast hardware address",
                        "write six bytes: \"52:54:00:00:00:01\"");
            }
            if (!mac.isEmpty()) {
                unique(table, "mac", "the hardware address " + mac, "mac " + mac);
            }
            finish(table);
            nics.add(new VmSettings.Nic(id, tap, netdev, mac));
        }
        return nics;
    }

    /** What cannot stand behind a hub, or not in the process that a revert loads beside the old one. */
    private static void checkBackEnd(TableReader table, String backend) {
        List<String> words = List.of(backend.split(","));
        if (UNUSABLE_BACK_ENDS.contains(words.get(0))) {
            table.problem(
                    "netdev",
                    "a back end \"" + words.get(0)
                            + "\" cannot be taken over by the process that a revert loads beside the old one",
                    "use tap = \"...\", or a back end like socket, stream, dgram, vde, l2tpv3 or user");
        }
        words.stream()
                .skip(1)
                .filter(word -> OWN_OPTIONS.contains(word.split("=", 2)[0]))
                .forEach(word -> table.problem(
                        "netdev",
                        "the option \"" + word + "\" cannot be given here"
                                + (word.startsWith("id=")
                                        ? ", Holdfast names the back end itself"
                                        : ": an open descriptor cannot be handed to the next process"),
                        "remove it"));
    }

    private String id(TableReader table, String vm, String kind) {
        String id = table.requiredText("id");
        if (id.isEmpty()) {
            return id;
        }
        if (!ID.matcher(id).matches()) {
            table.problem(
                    "id",
                    "\"" + id + "\" cannot be an id",
                    "use up to 16 letters, digits, '-' and '_', a letter first");
        }
        unique(table, "id", "the id \"" + id + "\" of a " + kind, "id " + vm + "/" + id);
        return id;
    }

    /** Reports the second use of something that may be used once, in both files. */
    private void unique(TableReader table, String key, String subject, String identity) {
        Claim first = seen.putIfAbsent(identity, new Claim(table, key));
        if (first == null) {
            return;
        }
        String place = first.table().place(first.key());
        table.problem(key, subject + " is already defined in " + place, "give each its own");
        if (!first.table().isOfSameFile(table)) {
            first.table()
                    .problem(first.key(), subject + " is defined in " + table.place(key) + " too", "give each its own");
        }
    }
}
