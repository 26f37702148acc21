package dev.holdfast.agent.config;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** What the file of a machine of User-Mode Linux cannot say. Each key is reported where it stands, and all of them at once. Stateless. */
final class UmlRules {
    private static final String OWN_TYPES = "uml-";

    /** Its disks are numbered files, its console a file that is only written. The version of its kernel does not change that. */
    static final String MACHINE = OWN_TYPES + "6.1";

    private static final int MOST_DISKS = 8;
    private static final String HERE = " with hypervisor = \"uml\"";

    /** What Holdfast finds the guest's processes and disks by, and what bounds its memory. */
    private static final Pattern TAKEN = Pattern.compile("(umid|uml_dir|mem|ubd[0-9a-z]*)(=.*)?");

    private UmlRules() {}

    /**
     * @param hardware what was read, as far as it can be used
     * @param disks how many of them can be used
     */
    static void check(TableReader root, VmSettings.Hardware hardware, int disks) {
        unknown(root, "machine", "its kernel is the whole machine");
        unknown(root, "accel", "its guest is a program of the host");
        unknown(root, "cpu", "its guest sees the host's processor");
        unknown(root, "replication", "its memory and its disks cannot be followed from another node");
        if (hardware.cpus() != 1) {
            root.problem("cpus", "\"cpus\" is %d%s: its kernel uses one".formatted(hardware.cpus(), HERE), "remove it");
        }
        if (hardware.guestAgent()) {
            root.problem(
                    "guest_agent", "\"guest_agent\" is set%s: there is no channel for it".formatted(HERE), "remove it");
        }
        if (!hardware.nics().isEmpty()) {
            root.problem(
                    "nic", "there is a [[nic]]%s: it gets no network cards yet".formatted(HERE), "remove the table");
        }
        disks(root, disks);
        hardware.kernel().ifPresent(kernel -> program(root, kernel));
        words(root, "extra_args", hardware.extraArguments());
        words(root, "append", List.of(hardware.append().orElse("").split("\\s+")));
    }

    private static void unknown(TableReader root, String key, String because) {
        if (root.has(key)) {
            root.problem(key, "\"%s\" has no meaning%s: %s".formatted(key, HERE, because), "remove it");
        }
    }

    private static void disks(TableReader root, int disks) {
        if (!root.has("disk")) {
            root.problem(
                    "disk", "there is no [[disk]]%s, and its kernel boots from the first".formatted(HERE), "add one");
        } else if (disks > MOST_DISKS) {
            root.problem(
                    "disk",
                    "there are %d disks%s, and its kernel has numbers for %d".formatted(disks, HERE, MOST_DISKS),
                    "put them together");
        }
    }

    private static void program(TableReader root, Path kernel) {
        if (Files.isReadable(kernel) && !Files.isExecutable(kernel)) {
            root.problem(
                    "kernel",
                    "%s is no program, and%s the kernel is one".formatted(kernel, HERE),
                    "name a linux of ARCH=um, or remove the key: then it is linux.uml of the package user-mode-linux");
        }
    }

    private static void words(TableReader root, String key, List<String> words) {
        Optional<String> taken =
                words.stream().filter(word -> TAKEN.matcher(word).matches()).findFirst();
        taken.ifPresent(word -> root.problem(
                key, "\"%s\" cannot be given here%s: Holdfast says it itself".formatted(word, HERE), "remove it"));
    }

    /** What User-Mode Linux is called by in a record is none of QEMU's types. */
    static void checkOther(TableReader root, String machine) {
        if (machine.startsWith(OWN_TYPES)) {
            root.problem(
                    "machine",
                    "the machine type \"%s\" is one of User-Mode Linux".formatted(machine),
                    "write hypervisor = \"uml\" in its place");
        }
    }
}
