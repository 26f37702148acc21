package dev.holdfast.agent.hypervisor;

import java.time.Duration;

/**
 * How a running machine turns from the layer that it writes to the raw image below that. Nothing has begun when it is made. One thread. No method
 * blocks longer than seconds.
 */
public interface Settling {
    /**
     * How far it has come.
     *
     * @param follows all that was in the layer has been copied, and what is written since follows soon
     * @param done bytes copied
     * @param total bytes to be copied, as far as it is known
     */
    record Advance(boolean follows, long done, long total) {}

    /** Begins to copy what the layer holds, and from then on what the machine writes. @throws HypervisorException REFUSED: nothing has changed */
    void begin() throws HypervisorException;

    /** How far it has come. @throws HypervisorException FAILED if it has ended: the machine writes the layer as before */
    Advance look() throws HypervisorException;

    /** Whether the image holds all that the layer does. Certain only while the guest stands still. */
    boolean isEven() throws HypervisorException;

    /**
     * The machine writes the image from now on, in which everything is; durable on return. Only while the guest stands still.
     *
     * @throws HypervisorException what it writes is not certain before {@link #end}
     */
    void pivot(Duration bound) throws HypervisorException;

    /**
     * Ends it, be it begun by this or by an earlier life of the agent, and closes what the machine does not use any more. What it writes does not
     * change by itself afterwards. Idempotent.
     */
    void end() throws HypervisorException;
}
