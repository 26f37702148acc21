package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.qmp.QmpValue;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Builds QEMU's command line. The order of the devices is the order of the definition and decides their addresses, so one
 * definition always makes the same machine: a memory image loads only into the same one.
 */
final class QemuCommandLine {
    /**
     * What no machine needs (qemu-options.hx). Starting programs stays allowed, because {@code -daemonize} needs it as well as
     * scripts and helpers of network cards; no program gains rights by it, because QEMU sets no_new_privs with its filter.
     * That is also why changing the user is not forbidden: it has to become another one after the filter is in force.
     */
    private static final List<String> SANDBOX = List.of("-sandbox", "on,obsolete=deny,resourcecontrol=deny");

    private final List<String> words = new ArrayList<>();

    private QemuCommandLine() {}

    static List<String> of(
            QemuSettings settings, VmDefinition vm, VmDirectory directory, StartMode mode, DiskWiring wiring)
            throws HypervisorException {
        VmDefinition.Hardware hardware = vm.ownHardware();
        QemuCommandLine line = new QemuCommandLine();
        line.add(settings.emulator());
        settings.firmwareDirectories().forEach(d -> line.add("-L", d.toString()));
        line.add("-name", "guest=" + vm.name() + ",debug-threads=on", "-no-user-config", "-nodefaults");
        line.add("-display", "none");
        if (settings.sandbox()) {
            line.words.addAll(SANDBOX);
        }
        line.words.addAll(BecomesUser.words(settings));
        line.add(
                "-machine",
                hardware.machine() + ",accel=" + hardware.accelerator().word());
        hardware.cpu().ifPresent(c -> line.add("-cpu", c));
        line.add("-smp", Integer.toString(hardware.cpus()), "-m", (hardware.memoryBytes() >> 20) + "M");
        // With a log file a daemon's error output goes there and not to /dev/null.
        line.add("-daemonize", "-pidfile", directory.pidFile().toString());
        line.add("-D", directory.log().toString());
        if (wiring != DiskWiring.PLAIN) {
            // A shutdown has to be told from a crash, also by an agent that was not there.
            line.add("-no-shutdown");
        }
        if (!mode.running() || mode.memory().isPresent()) {
            line.add("-S");
        }
        if (mode.memory().isPresent() || mode.waiting()) {
            line.add("-incoming", "defer");
        }
        line.monitor("qmp", directory);
        line.monitor("guard", directory);
        line.monitor("rescue", directory);
        line.add(
                "-chardev",
                "socket,id=console0,path=" + comma(directory.file("console.sock")) + ",server=on,wait=off,logfile="
                        + comma(directory.file("console")) + ",logappend=on");
        line.add("-serial", "chardev:console0");
        line.boot(hardware);
        for (VmDefinition.Disk disk : vm.disks()) {
            line.disk(disk, wiring);
        }
        line.words.addAll(Network.words(hardware.nics(), mode.instance().isEmpty()));
        if (hardware.guestAgent()) {
            line.add("-device", "virtio-serial-pci,id=agent-bus");
            line.add("-chardev", "socket,id=qga0,path=" + comma(directory.file("qga.sock")) + ",server=on,wait=off");
            line.add("-device", "virtserialport,bus=agent-bus.0,chardev=qga0,name=org.qemu.guest_agent.0");
        }
        line.words.addAll(hardware.extraArguments());
        return List.copyOf(line.words);
    }

    private void boot(VmDefinition.Hardware hardware) {
        hardware.kernel().ifPresent(k -> {
            add("-kernel", k.image().toString());
            k.initrd().ifPresent(i -> add("-initrd", i.toString()));
            if (!k.append().isEmpty()) {
                add("-append", k.append());
            }
        });
    }

    private void monitor(String name, VmDirectory directory) {
        add(
                "-chardev",
                "socket,id=" + name + "-mon,path=" + comma(directory.file(name + ".sock")) + ",server=on,wait=off");
        add("-mon", "chardev=" + name + "-mon,mode=control");
    }

    private void disk(VmDefinition.Disk disk, DiskWiring wiring) throws HypervisorException {
        try {
            // The layer's own name: opened through the head, QEMU would later take an overlay for its own base.
            Path layer = disk.path().toRealPath();
            wiring.nodes(disk, layer).forEach(node -> add("-blockdev", QmpValue.write(node)));
            add(
                    "-device",
                    "virtio-blk-pci,drive=" + wiring.top(disk) + ",id=" + BlockGraph.device(disk.id()) + ",serial="
                            + disk.id());
        } catch (IOException e) {
            throw new HypervisorException(
                    HypervisorException.Kind.REFUSED,
                    "disk " + disk.id() + ": cannot open " + disk.path() + " (" + e.getMessage()
                            + "); check that the storage is mounted and the head of the chain is there",
                    e);
        }
    }

    private void add(String... more) {
        words.addAll(List.of(more));
    }

    /** QEMU's option parser takes a doubled comma for a comma. */
    private static String comma(Path path) {
        return path.toString().replace(",", ",,");
    }
}
