package dev.holdfast.agent.hypervisor;

import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;

/** What runs a machine, as its administrator chooses. */
public enum HypervisorKind {
    /** QEMU. */
    QEMU,
    /** User-Mode Linux: a kernel that is a program of the host. */
    UML,
    /** libvirt. Its machines belong to whoever starts them there; Holdfast captures their disks. */
    LIBVIRT,
    /** Xen, of which this host is the first domain. */
    XEN;

    /** Whether Holdfast starts and ends its machines, and their disks are layers of its own. */
    public boolean isOwn() {
        return this != LIBVIRT;
    }

    /** Whether the memory of its guests can be written to a file, and loaded from it. */
    public boolean keepsMemory() {
        return this == QEMU;
    }

    /** Whether there can be an agent inside its guests that flushes their file systems when it is told to. */
    public boolean hasGuestAgents() {
        return this == QEMU;
    }

    /** How its machines are captured in a group whose others are captured in this way. */
    public CaptureMethod amongOthers(CaptureMethod wanted) {
        return keepsMemory() ? wanted : CaptureMethod.DISK_ONLY;
    }
}
