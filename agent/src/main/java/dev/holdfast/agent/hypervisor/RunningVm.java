package dev.holdfast.agent.hypervisor;

import dev.holdfast.coordinator.protocol.Name;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * A virtual machine's process and our connection to it. One thread at a time; {@link #close()} from any. No method blocks
 * longer than its bound when the process hangs.
 */
public interface RunningVm extends AutoCloseable {
    /** Its name. */
    Name name();

    /** This life of it. */
    VmIdentity identity();

    /** How the guard reaches it. */
    Control control();

    /** What its guest sees: what the definition says, or what the hypervisor tells of one that somebody else has made. */
    GuestHardware hardware() throws HypervisorException;

    /** What it was started by, which its definition may not say any more. */
    HypervisorKind kind();

    /** Name and version of what runs it, for reports. */
    String hypervisor();

    /** The file to which its console is written, if that can only be read; empty for one that somebody can talk to. */
    default Optional<Path> consoleOutput() {
        return Optional.empty();
    }

    /** The file to which all is appended that its guest writes to its console; empty if there is none, or it is somebody else's. */
    default Optional<Path> consoleLog() {
        return consoleOutput();
    }

    /** Whether the connection stands and the process lives. */
    boolean isAlive();

    /** What it is doing. */
    VmStatus status() throws HypervisorException;

    /** Whether the guest has shut down by itself: its process has ended for that, or waits to be ended. */
    default boolean hasShutDown() {
        return false;
    }

    /**
     * Ends a machine whose guest can never run again although the process looks well, if nobody else would notice. Does nothing to any
     * other. Quick, but for the first time.
     *
     * @throws HypervisorException GUEST_BROKEN if it was ended; the message says why
     */
    default void endIfHung() throws HypervisorException {}

    /** Its disks, with every layer as it is opened. */
    List<DiskState> disks() throws HypervisorException;

    /**
     * Looks for what would spoil a capture; changes nothing.
     *
     * @param memory whether its memory is to be captured too
     */
    Surroundings surroundings(boolean memory) throws HypervisorException;

    /** A capture that has not begun. At most one at a time. */
    Capture newCapture(CapturePlan plan) throws HypervisorException;

    /** Stops its processors and returns as soon as they have stopped. Does nothing if they are stopped already. */
    FreezeFacts pause() throws HypervisorException;

    /** Lets it run, from whatever state that allows it. */
    void resume() throws HypervisorException;

    /**
     * Lets it run that an agent which is dead had stopped, or had ordered to stop. Does nothing to one that stands still for another reason.
     *
     * @return whether it stood still
     * @throws HypervisorException UNKNOWN if an order of that agent may yet stop it
     */
    default boolean release() throws HypervisorException {
        if (!status().resumable()) {
            return false;
        }
        resume();
        return true;
    }

    /**
     * Lets it run whatever a capture of ours has done to it: cancels a stream that holds it. Any thread. Does nothing to a
     * machine that runs.
     *
     * @param bound how long to try
     */
    void thaw(Duration bound) throws HypervisorException;

    /** Presses the power button and waits for the process to end. False if it did not end in time. */
    boolean shutdown(Duration patience) throws HypervisorException;

    /** Ends the process: asks, then TERM, then KILL. Returns when it is gone. */
    void quit() throws HypervisorException;

    /** Ends the process at once with KILL. Returns when it is gone. */
    void kill() throws HypervisorException;

    /**
     * Merges layers below the active one, live. The result is in {@code base}; the files of the others may be removed
     * afterwards. Crash-safe at any point: what is above {@code top} reads the same all the time.
     *
     * @param diskId the disk
     * @param top uppermost layer to merge; not the active one
     * @param base the layer that takes the data
     */
    void mergeIntermediate(String diskId, Path top, Path base, Progress progress) throws HypervisorException;

    /**
     * Whether layers can be merged now.
     *
     * @throws HypervisorException if the machine does not tell
     */
    default boolean mergesLayers() throws HypervisorException {
        return true;
    }

    /**
     * Whether it can turn to the images below the layers that it writes.
     *
     * @throws HypervisorException if the machine does not tell
     */
    default boolean settles() throws HypervisorException {
        return false;
    }

    /**
     * A way to the image below the layer that a disk is written to, that has not begun.
     *
     * @param diskId the disk, which stands on this image with one layer
     * @param home the raw image
     * @throws HypervisorException REFUSED if this driver has none
     */
    default Settling settle(String diskId, Path home) throws HypervisorException {
        throw new HypervisorException(
                HypervisorException.Kind.REFUSED,
                "%s cannot turn disk %s of %s to %s while it runs; stop it first"
                        .formatted(hypervisor(), diskId, name(), home));
    }

    /** How it copies the images below the layers that it writes, of which no copy has begun. Empty if this driver does not. */
    default Optional<Increments> increments() {
        return Optional.empty();
    }

    /**
     * The machine's way to another node.
     *
     * @throws HypervisorException REFUSED if this driver has none
     */
    default Relocation relocation() throws HypervisorException {
        throw new HypervisorException(
                HypervisorException.Kind.REFUSED,
                "%s cannot move %s while it runs; stop it here, and start it there".formatted(hypervisor(), name()));
    }

    /** Gives up the connection. The machine runs on. */
    @Override
    void close();
}
