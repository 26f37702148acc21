package dev.holdfast.agent.hypervisor;

import java.util.Locale;

/** What becomes of the image that a snapshot has frozen at the root of a disk's chain. An image of qcow2 is {@link #LAYER}, whatever is said. */
public enum Keep {
    /** Its storage copies it, if it can. */
    AUTO,
    /** It stays below the layers that are put on it. */
    LAYER,
    /** Its storage copies it as a file that shares its blocks; where it cannot, a snapshot is refused. */
    CLONE,
    /** Its storage copies it as a thin volume; where it cannot, a snapshot is refused. */
    THIN,
    /** Its storage copies it as a volume that keeps what is overwritten; where it cannot, or has no room, a snapshot is refused. */
    THICK,
    /** The machine copies what was written since the copy before, while it runs, whatever storage it is on. */
    INCREMENT;

    /** As a definition has it. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
