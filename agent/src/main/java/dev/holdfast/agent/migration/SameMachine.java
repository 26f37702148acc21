package dev.holdfast.agent.migration;

import dev.holdfast.agent.files.OwnFile;
import dev.holdfast.agent.hypervisor.DiskState;
import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Whether a machine is defined alike on two nodes, and its disks are the same files on both. */
public final class SameMachine {
    private static final String PROBE = ".migration-";
    private static final String HEAD = "head";
    /** Neither ids nor names of files have it. */
    private static final String SEPARATOR = "/";

    private SameMachine() {}

    /** What has to be alike on both nodes. What a card is connected to may differ. */
    public static Map<String, String> hardware(VmDefinition vm) {
        VmDefinition.Hardware own = vm.ownHardware();
        Map<String, String> hardware = new TreeMap<>();
        hardware.put("machine", own.machine());
        hardware.put("accel", own.accelerator().word());
        hardware.put("cpu", own.cpu().orElse("the default"));
        hardware.put("cpus", Integer.toString(own.cpus()));
        hardware.put("memory", (own.memoryBytes() >> 20) + "M");
        hardware.put("guest_agent", Boolean.toString(own.guestAgent()));
        hardware.put(
                "kernel", own.kernel().map(kernel -> kernel.image().toString()).orElse("none"));
        hardware.put("extra_args", String.join(" ", own.extraArguments()));
        hardware.put(
                "disks",
                vm.disks().stream().map(d -> d.id() + " " + d.path()).toList().toString());
        hardware.put(
                "nics",
                own.nics().stream().map(n -> n.id() + " " + n.mac()).toList().toString());
        return hardware;
    }

    /** What differs, for people; empty if nothing does. */
    public static Optional<String> difference(VmDefinition mine, Map<String, ?> theirs) {
        for (Map.Entry<String, String> part : hardware(mine).entrySet()) {
            String other = String.valueOf(theirs.get(part.getKey()));
            if (!other.equals(part.getValue())) {
                return Optional.of("%s is %s there and %s here".formatted(part.getKey(), other, part.getValue()));
            }
        }
        return Optional.empty();
    }

    /**
     * What a process has open, one text for each disk: its id and the names of its layers, the active one first. Names of
     * layers never change; the directory may be called otherwise on another node, and the probes are in it.
     */
    static List<String> layers(List<DiskState> disks) {
        return disks.stream()
                .map(disk -> disk.id()
                        + SEPARATOR
                        + disk.layers().stream()
                                .map(layer -> layer.getFileName().toString())
                                .collect(Collectors.joining(SEPARATOR)))
                .toList();
    }

    /**
     * Why disks cannot be shown to be the same on another node: what shows it is a file in the chain, and says nothing of a block device.
     * Empty if none lies on one.
     */
    static Optional<String> onDevice(List<DiskState> disks) {
        for (DiskState disk : disks) {
            for (Path layer : disk.layers()) {
                if (ImageForm.of(layer).isDevice()) {
                    return Optional.of(
                            "disk %s lies on a block device (%s), and machines move live with files only; stop it here and start it there"
                                    .formatted(disk.id(), layer));
                }
            }
        }
        return Optional.empty();
    }

    /** Leaves a file beside the disks, in each directory that has any. */
    static List<Path> leaveProbes(VmDefinition vm, Name migration) throws IOException {
        List<Path> probes = probes(vm, migration);
        for (Path probe : probes) {
            OwnFile.write(probe, migration.value());
        }
        return probes;
    }

    static void removeProbes(VmDefinition vm, Name migration) throws IOException {
        for (Path probe : probes(vm, migration)) {
            Files.deleteIfExists(probe);
        }
    }

    /** The first file that is not here: that disk is another one, whatever its path. */
    static Optional<Path> missing(List<Path> probes, Name migration) {
        return probes.stream().filter(probe -> !isThere(probe, migration)).findFirst();
    }

    private static boolean isThere(Path probe, Name migration) {
        try {
            return Files.readString(probe).equals(migration.value());
        } catch (IOException e) {
            return false;
        }
    }

    private static List<Path> probes(VmDefinition vm, Name migration) {
        return vm.disks().stream()
                .map(disk -> directory(disk.path()).resolve(PROBE + migration))
                .distinct()
                .toList();
    }

    /** The chain's directory; what is in it is the same file only if the storage is. */
    private static Path directory(Path disk) {
        Path parent = disk.toAbsolutePath().getParent();
        if (parent == null) {
            return Path.of("/");
        }
        boolean chain = String.valueOf(parent.getFileName()).equals(HEAD) && parent.getParent() != null;
        return chain ? parent.resolveSibling(".").normalize() : parent;
    }
}
