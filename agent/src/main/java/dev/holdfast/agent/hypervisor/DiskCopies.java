package dev.holdfast.agent.hypervisor;

import java.nio.file.Path;
import java.time.Duration;

/**
 * Copies of a running machine's disks to another node over NBD. Only what is written to is copied, not the frozen layers below
 * it. The machine runs on as before whatever becomes of a copy. One thread at a time, as for {@link RunningVm}.
 */
public interface DiskCopies {
    /**
     * How far they have come, all together.
     *
     * @param whole whether each holds all that its disk does, but for what is being written
     * @param done bytes that are over
     * @param total bytes that there are to copy; grows while the guest writes
     * @param failure why one of them has ended, in the hypervisor's words; empty if none has
     */
    record Look(boolean whole, long done, long total, String failure) {}

    /**
     * Begins to copy a disk.
     *
     * @param socket UNIX socket of an NBD server
     * @param export what it calls the disk
     * @param bytesPerSecond most that is read and sent
     */
    void begin(String disk, Path socket, String export, long bytesPerSecond) throws HypervisorException;

    /** How they do. */
    Look look() throws HypervisorException;

    /**
     * Ends them while the guest stands still: all of them hold what their disks do, and the connections to the NBD servers are
     * closed.
     *
     * @param patience for what the guest wrote last to go over
     * @throws HypervisorException one of them is not whole, and none is worth anything
     */
    void end(Duration patience) throws HypervisorException;

    /** Gives them up. Does nothing if there are none. The NBD servers should be out of reach by then: what hangs ends so. */
    void drop() throws HypervisorException;
}
