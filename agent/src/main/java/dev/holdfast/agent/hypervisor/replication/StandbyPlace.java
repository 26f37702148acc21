package dev.holdfast.agent.hypervisor.replication;

import java.nio.file.Path;

/**
 * Where a standby keeps what it has beyond its disks: memory of two epochs, what the disks have changed since the last one,
 * and which epoch that is. All in one directory, so that it is lost together or not at all; memory file systems do.
 *
 * @param directory short (sockets are made in it), private, and of this standby alone; made if it is not there
 */
public record StandbyPlace(Path directory) {
    /** The process's word beside the machine itself. */
    public static final String INSTANCE = "standby";

    /** The socket the primary's disks are sent to. */
    public Path disks() {
        return directory.resolve("disks.sock");
    }

    /** The socket the memory of one epoch is sent to: one for each, so that no late stream is taken for another. */
    public Path memory(long epoch) {
        return directory.resolve("memory-" + epoch + ".sock");
    }

    /** What says which epoch was committed last; written with each. */
    public Path record() {
        return directory.resolve("epoch");
    }

    /** Where a disk's writes since the last epoch go. */
    public Path active(String diskId) {
        return directory.resolve(diskId + ".active.qcow2");
    }

    /** Where a disk's old content goes that a write since the last epoch has replaced. */
    public Path hidden(String diskId) {
        return directory.resolve(diskId + ".hidden.qcow2");
    }
}
