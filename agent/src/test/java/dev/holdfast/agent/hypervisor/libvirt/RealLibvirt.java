package dev.holdfast.agent.hypervisor.libvirt;

import dev.holdfast.agent.unix.DatagramStandIn;
import dev.holdfast.agent.virsh.LibvirtLab;

/** The driver on a real libvirtd. */
public final class RealLibvirt {
    private RealLibvirt() {}

    public static LibvirtHypervisor hypervisor(LibvirtLab lab) {
        return new LibvirtHypervisor(
                new LibvirtSettings(lab.command(), lab.states(), LibvirtLab.PATIENCE),
                DatagramStandIn::word,
                System::nanoTime);
    }
}
