package dev.holdfast.agent.hypervisor;

import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.coordinator.protocol.Name;
import java.time.Duration;

/**
 * What the captures of all drivers have in common: they are cut short by another thread, and given up once. One thread; {@link #cutShort}
 * from any.
 */
public abstract class InterruptibleCapture implements Capture {
    private final Name vm;
    private volatile boolean cutShort;
    private boolean mayHaveCut;
    private boolean givenUp;

    /** @param vm the machine, for what is said */
    protected InterruptibleCapture(Name vm) {
        this.vm = vm;
    }

    /**
     * To be called at the begin of each step, and after whatever may take long in it. Between two calls the other thread's order to run
     * may have come before our order to stop: abandon follows.
     *
     * @throws HypervisorException FAILED if the guest has been let run
     */
    protected final void checkNotCutShort() throws HypervisorException {
        if (cutShort) {
            throw new HypervisorException(Kind.FAILED, "the capture of " + vm + " was cut short");
        }
    }

    /** From here on the disks are cut, or may be. */
    protected final void beginCut() {
        mayHaveCut = true;
    }

    @Override
    public final boolean mayHaveCut() {
        return mayHaveCut;
    }

    @Override
    public final void cutShort(Duration bound) throws HypervisorException {
        cutShort = true;
        letRunAtOnce(bound);
    }

    @Override
    public final void abandon() throws HypervisorException {
        if (givenUp) {
            return;
        }
        try {
            letRunAgain();
        } finally {
            discard(mayHaveCut);
        }
        givenUp = true;
    }

    /** Lets it run that the capture has stopped, or is about to stop in the other thread. Any thread. @param bound how long to try */
    protected abstract void letRunAtOnce(Duration bound) throws HypervisorException;

    /** Lets it run if the capture has stopped it, or may have. */
    protected abstract void letRunAgain() throws HypervisorException;

    /**
     * Removes what nobody needs of a capture that failed. May be called again if it failed.
     *
     * @param mayHaveCut whether the overlays may be in use, so that they must stay
     */
    protected abstract void discard(boolean mayHaveCut) throws HypervisorException;
}
