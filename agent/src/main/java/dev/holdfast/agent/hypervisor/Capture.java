package dev.holdfast.agent.hypervisor;

import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.time.Duration;

/**
 * One capture of one machine. The steps are called once each, in the order in which they stand here, from one thread
 * ({@link #cutShort()} from any);
 * {@link #abandon()} may follow after any of them, whether it succeeded or not, and may be repeated. Each step returns or
 * throws within the plan's deadline (prepare and drain: within bounds of their own), also if the hypervisor hangs or dies.
 */
public interface Capture extends AutoCloseable {
    /**
     * Reserves space, opens the overlays, flushes images. The guest runs all the time.
     *
     * @throws HypervisorException if it cannot be done; {@link #abandon()} leaves nothing behind
     */
    void prepare() throws HypervisorException;

    /** Whether somebody else has stopped the guest since {@link #prepare()}. Asks nobody, so it costs no time. */
    boolean isStoppedByOthers();

    /** The method chosen; known after {@link #prepare()}, never AUTO. */
    CaptureMethod method();

    /**
     * Brings memory so far out that little is left for the freeze. Only a live capture does anything here, and with it the
     * guest <em>may freeze by itself</em>, so the guard must be armed before. Returns when it is near enough.
     *
     * @return true if the guest is frozen already; the freeze counts from then
     */
    boolean approach(Progress progress) throws HypervisorException;

    /**
     * Stops the processors and returns as soon as they have stopped, and nothing of the guest is on its way to what is captured that the
     * cut would not wait for. A driver may order the cut of the disks along with it:
     * from here on they may have been cut.
     */
    FreezeFacts freeze() throws HypervisorException;

    /** Waits until the disks are cut, and writes whatever must be written at a standstill. The overlays are in use then. */
    void capture() throws HypervisorException;

    /** Asks for the status and lets the guest run, with nothing in between. Returns when it runs. */
    ThawFacts proveAndThaw() throws HypervisorException;

    /**
     * Waits until memory is on stable storage.
     *
     * @throws HypervisorException FAILED if the image is not complete; GUEST_BROKEN if the guest cannot run any more either
     */
    MemoryFacts drain(Progress progress) throws HypervisorException;

    /**
     * Lets the guest run at once, while a step may be under way in another thread: that step fails soon, and each later one
     * but {@link #abandon()}, which is to follow.
     *
     * @param bound how long to try
     */
    void cutShort(Duration bound) throws HypervisorException;

    /** Whether the disks have been cut, or may have been: then the overlays must stay. */
    boolean mayHaveCut();

    /**
     * Gives up: the guest runs again if we had stopped it, overlays that are not in use are closed, the memory file is
     * removed. Never merges and never moves a head.
     *
     * @throws HypervisorException if the guest may not run; everything else is done as far as possible
     */
    void abandon() throws HypervisorException;

    /** Ends the observation. Does nothing to the guest. */
    @Override
    void close();
}
