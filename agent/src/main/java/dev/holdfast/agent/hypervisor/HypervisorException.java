package dev.holdfast.agent.hypervisor;

import org.jspecify.annotations.Nullable;

/** Something asked of the hypervisor did not succeed. The message says what, why and what to do. */
public final class HypervisorException extends Exception {
    private static final long serialVersionUID = 1L;

    /** What the caller may conclude. */
    public enum Kind {
        /** Refused; nothing has changed. */
        REFUSED,
        /** There is not enough disk space; nothing has changed. */
        NO_SPACE,
        /** It failed, and what has changed is described. */
        FAILED,
        /** No answer in time: it may still happen. */
        UNKNOWN,
        /** The virtual machine's process is gone. */
        GONE,
        /** The guest cannot run any more. The message says whether its process was ended, or has to be. */
        GUEST_BROKEN
    }

    private final Kind kind;

    /** @param kind what the caller may conclude */
    public HypervisorException(Kind kind, String message) {
        this(kind, message, null);
    }

    /**
     * @param kind what the caller may conclude
     * @param cause what was behind it
     */
    public HypervisorException(Kind kind, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    /** What the caller may conclude. */
    public Kind kind() {
        return kind;
    }
}
