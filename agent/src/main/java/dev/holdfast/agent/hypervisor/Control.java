package dev.holdfast.agent.hypervisor;

import java.util.List;
import java.util.Map;

/**
 * How the guard reaches a machine to let it run, in the guard's own words: a driver says it and the guard reads it. Immutable.
 *
 * @param words what is said beside the machine's name and its run directory
 */
public record Control(Map<String, Object> words) {
    private static final String PID = "pid";

    public Control {
        words = Map.copyOf(words);
    }

    /**
     * Over a QMP socket of the guard's own in the run directory, and the socket of the guest's agent beside it.
     *
     * @param process QEMU
     */
    public static Control monitor(ProcessIdentity process, boolean guestAgent) {
        return new Control(Map.of(PID, process.pid(), "qga", guestAgent));
    }

    /**
     * Over the console of a kernel of User-Mode Linux, which is below the run directory. There is neither a guest agent nor a hold.
     *
     * @param first the first process of the kernel
     */
    public static Control console(ProcessIdentity first) {
        return new Control(Map.of(PID, first.pid(), "control", "mconsole"));
    }

    /**
     * Over virsh.
     *
     * @param process QEMU
     * @param uuid of the domain
     * @param virsh the program and its words, the connection included
     */
    public static Control virsh(ProcessIdentity process, String uuid, List<String> virsh) {
        return new Control(Map.of(PID, process.pid(), "control", "libvirt", "domain", uuid, "virsh", virsh));
    }

    /**
     * Over xl, which every process of the first domain may call.
     *
     * @param domain its number
     */
    public static Control domain(int domain) {
        return new Control(Map.of("control", "xen", "domain", String.valueOf(domain)));
    }
}
