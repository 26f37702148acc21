package dev.holdfast.agent.hypervisor;

import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;

/** What runs a machine, as its administrator chooses. A machine's type says which. */
public enum HypervisorKind {
    /** QEMU. All types of machines are its own but those of the others. */
    QEMU,
    /** User-Mode Linux: a kernel that is a program of the host. The types of its machines begin with {@code uml-}. */
    UML;

    private static final String UML_TYPES = "uml-";

    /** What runs machines of this type. */
    public static HypervisorKind ofMachine(String type) {
        return type.startsWith(UML_TYPES) ? UML : QEMU;
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
