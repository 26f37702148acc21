package dev.holdfast.agent.hypervisor;

/** What a virtual machine is doing, as its hypervisor says. */
public enum VmStatus {
    /** Its processors run. */
    RUNNING,
    /** Stopped by somebody; runs on when told to. */
    PAUSED,
    /** Stopped at the end of a capture; runs on when told to. */
    CAPTURED,
    /** Stopped inside a capture that has not ended; only that capture's end or its cancelling frees it. */
    CAPTURING,
    /** Its memory is being loaded. */
    LOADING,
    /** Stopped after a disk error. */
    IO_ERROR,
    /** The guest panicked or has shut down, and the process is still there. */
    GUEST_ENDED;

    /** Whether it is stopped in a way that a capture of ours brings about. */
    public boolean still() {
        return this == PAUSED || this == CAPTURED;
    }

    /** Whether "resume" makes it run. */
    public boolean resumable() {
        return this == PAUSED || this == CAPTURED || this == IO_ERROR;
    }
}
