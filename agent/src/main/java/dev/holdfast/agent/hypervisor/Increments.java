package dev.holdfast.agent.hypervisor;

import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * How a running machine copies the raw images below the layers that it writes, and counts what is written to them from then on. A count is kept by
 * the machine's process alone and ends with it, so that there is none that could be older than what it counts. One thread. No method blocks longer
 * than seconds.
 */
public interface Increments {
    /**
     * An image that is to be copied.
     *
     * @param diskId the disk that stands on it
     * @param image nobody writes it
     * @param target an image of qcow2, of the same size, that holds nothing; what it stands on is not looked at
     * @param since only what was written since this count began is copied; empty: everything
     * @param count the count that begins with this copy
     */
    record Copy(String diskId, Path image, Path target, OptionalInt since, int count) {}

    /** Bytes that were written to an image since a count of it began. Empty if that is not known for certain: whoever needs it copies all. */
    OptionalLong counted(Path image, int count) throws HypervisorException;

    /** Begins to copy all of them, or none, and to count what is written to them. @throws HypervisorException REFUSED: nothing has begun */
    void begin(List<Copy> copies) throws HypervisorException;

    /**
     * Whether all are copied.
     *
     * @throws HypervisorException FAILED if one could not be: none counts then, and what was counted before goes on; UNKNOWN if nothing moves any more
     */
    boolean areWhole() throws HypervisorException;

    /**
     * Ends copying, be it begun by this or by an earlier life of the agent, and closes the targets. What is not copied by then stays undone.
     * Idempotent.
     */
    void end() throws HypervisorException;

    /** A count goes on under another number, in place of the one that had it. Does nothing if there is none. */
    void renumber(Path image, int from, int to) throws HypervisorException;
}
