package dev.holdfast.agent.hypervisor.uml;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.VmDefinition;
import java.util.ArrayList;
import java.util.List;

/** Builds the command line of a kernel. */
final class UmlCommandLine {
    /** What the driver of its disks has numbers for. */
    private static final int MOST_DISKS = 8;

    /** Notes its number, which it keeps, whole or not at all; and waits for SIGCONT if it is not to boot yet. */
    private static final String START = "echo $$ >\"$1.new\" && mv \"$1.new\" \"$1\" || exit; "
            + "[ \"$2\" = run ] || kill -STOP $$; shift 2; exec \"$@\"";

    private static final String BOOT = "root=/dev/ubda rw";

    private UmlCommandLine() {}

    /** @throws HypervisorException REFUSED if the machine, or the way it is to start, is not for this driver */
    static void check(VmDefinition vm, StartMode mode) throws HypervisorException {
        if (mode.memory().isPresent()) {
            throw refused(vm, "has no memory images under User-Mode Linux; go back to its disks only, and boot");
        }
        if (mode.waiting()) {
            throw refused(vm, "cannot move while it runs under User-Mode Linux; stop it, and start it there");
        }
        VmDefinition.Hardware hardware = vm.ownHardware();
        if (hardware.cpus() != 1) {
            throw refused(vm, "has " + hardware.cpus() + " cpus; User-Mode Linux has one");
        }
        if (vm.disks().isEmpty() || vm.disks().size() > MOST_DISKS) {
            throw refused(
                    vm,
                    "has %d disks; User-Mode Linux has 1 to %d"
                            .formatted(vm.disks().size(), MOST_DISKS));
        }
        if (!hardware.nics().isEmpty()) {
            throw refused(vm, "has network cards; Holdfast gives none to User-Mode Linux yet: leave them out");
        }
        if (hardware.guestAgent()) {
            throw refused(vm, "is to have a guest agent; there is no channel for it under User-Mode Linux");
        }
    }

    private static HypervisorException refused(VmDefinition vm, String why) {
        return new HypervisorException(Kind.REFUSED, vm.name() + " " + why);
    }

    static List<String> of(UmlSettings settings, VmDefinition vm, UmlDirectory directory, StartMode mode) {
        VmDefinition.Hardware hardware = vm.ownHardware();
        List<String> words = new ArrayList<>(scope(settings, directory, vm, ""));
        // The shell is gone by the time we look: the kernel is in its place, and nobody's child.
        words.addAll(List.of("setsid", "--fork", "sh", "-c", START, "holdfast-start"));
        words.addAll(List.of(directory.pidFile().toString(), mode.running() ? "run" : "hold"));
        words.add(hardware.kernel().map(kernel -> kernel.image().toString()).orElse(settings.kernel()));
        words.addAll(List.of(
                "umid=" + UmlDirectory.KERNEL,
                "uml_dir=" + directory.path() + "/",
                "mem=" + (hardware.memoryBytes() >> 20) + "M"));
        for (int i = 0; i < vm.disks().size(); i++) {
            // "d": what the guest writes there is not read as a copy-on-write file. But at each start the size of
            // the disk is that of the backing file which such a header at its beginning names.
            words.add("ubd%dd=%s".formatted(i, directory.disk(vm.disks().get(i).id())));
        }
        hardware.kernel().flatMap(VmDefinition.Kernel::initrd).ifPresent(initrd -> words.add("initrd=" + initrd));
        words.addAll(List.of("con=null", "con0=null,fd:1"));
        String append = hardware.kernel().map(VmDefinition.Kernel::append).orElse("");
        words.addAll(List.of((append.isBlank() ? BOOT : append.strip()).split(" +")));
        words.addAll(hardware.extraArguments());
        return words;
    }

    /** What gives a process of the machine a scope of its own, if there are scopes. */
    static List<String> scope(UmlSettings settings, UmlDirectory directory, VmDefinition vm, String what) {
        if (!settings.scopes()) {
            return List.of();
        }
        String unit =
                "holdfast-vm-%s-%s%s".formatted(vm.name(), directory.path().getFileName(), what);
        return List.of(
                "systemd-run",
                "--quiet",
                "--scope",
                "--collect",
                "--unit=" + unit,
                "--property=Before=pacemaker.service",
                "--property=After=remote-fs.target",
                "--");
    }
}
