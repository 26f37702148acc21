package dev.holdfast.agent.hypervisor.libvirt;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * Where libvirt is.
 *
 * @param virsh the program and its words, the connection included
 * @param states where libvirtd notes what runs: {@code NAME.pid}
 * @param bound for the start of virsh, and for each of its answers
 */
public record LibvirtSettings(List<String> virsh, Path states, Duration bound) {
    /** Copies the list. */
    public LibvirtSettings {
        virsh = List.copyOf(virsh);
    }

    /** What a package of libvirt has installed, for the whole host. */
    public static LibvirtSettings installed() {
        return new LibvirtSettings(
                List.of("virsh", "-c", "qemu:///system"), Path.of("/run/libvirt/qemu"), Duration.ofSeconds(5));
    }
}
