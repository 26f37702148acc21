package dev.holdfast.agent.snapshot.chain;

import dev.holdfast.agent.hypervisor.Progress;
import java.io.IOException;
import java.nio.file.Path;

/**
 * Makes and changes image files that no machine has open. Each method blocks within a bound of its own and throws with the
 * tool's own words. What is written is durable on return, directory entries are not.
 */
public interface DiskImages {
    /** Makes an image without content. */
    void create(Path image, long virtualBytes) throws IOException;

    /** Makes an empty image of the same size on top of another of any form, which a machine may have open. Both absolute. */
    void createOverlay(Path overlay, Path backing) throws IOException;

    /** The same of another size: of the disk, where what it stands on is longer. */
    void createOverlay(Path overlay, Path backing, long virtualBytes) throws IOException;

    /** Copies what {@code top} holds into {@code base} somewhere below it. The top keeps its content. */
    void commit(Path top, Path base, Progress progress) throws IOException;

    /** Writes another backing file, of any form, into the header; the caller knows that it reads the same. */
    void relink(Path image, Path backing) throws IOException;

    /**
     * Whether all that {@code top} holds reads the same in {@code base}, the raw image that it stands on. Reads both, as far as the top holds
     * something; nobody has them open.
     */
    boolean isEven(Path top, Path base) throws IOException;

    /** Looks for damage in a qcow2 image, which may be open. @throws ChainException if there is any */
    void check(Path image) throws IOException;

    /**
     * Whether a process has it open to write, here or on another host that shares the storage: by the lock that QEMU and its tools put on
     * what they write, since 2.10, where the file system has locks (block devices: on this host alone).
     */
    boolean isWritten(Path image) throws IOException;
}
