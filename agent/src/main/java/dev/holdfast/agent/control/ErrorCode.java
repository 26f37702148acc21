package dev.holdfast.agent.control;

import dev.holdfast.coordinator.protocol.Refusal;
import java.util.Locale;

/** The stable words by which programs tell errors apart. */
public enum ErrorCode {
    /** The request is not of the form of the protocol, or an argument is wrong. */
    BAD_REQUEST(ExitCode.USAGE),
    /** No such command in this agent. */
    UNKNOWN_COMMAND(ExitCode.USAGE),
    /** The caller may not use the control socket. */
    FORBIDDEN(ExitCode.FAILED),
    /** Too many callers at once; nothing was begun. */
    OVERLOADED(ExitCode.FAILED),
    /** There is no such machine, group, snapshot or checkpoint. */
    NOT_FOUND(ExitCode.FAILED),
    /** A check said no before anything was touched. */
    REFUSED(ExitCode.REFUSED),
    /** Another operation is under way on a machine, or the name is taken. */
    BUSY(ExitCode.REFUSED),
    /** A bound was passed; everything was undone. */
    TIMED_OUT(ExitCode.TIMED_OUT),
    /** Somebody else ended it; everything was undone. */
    CANCELLED(ExitCode.FAILED),
    /** The store of decisions cannot be reached. */
    STORE_UNREACHABLE(ExitCode.STORE_UNREACHABLE),
    /** Something has to be looked at. */
    NEEDS_FSCK(ExitCode.NEEDS_FSCK),
    /** It is not known whether it was done. */
    UNKNOWN_OUTCOME(ExitCode.UNKNOWN_OUTCOME),
    /** It failed on the way; everything was undone. */
    FAILED(ExitCode.FAILED),
    /** A bug in the agent. */
    INTERNAL(ExitCode.FAILED);

    private final ExitCode exit;

    ErrorCode(ExitCode exit) {
        this.exit = exit;
    }

    /** The exit code of a command that ends with this error. */
    public ExitCode exit() {
        return exit;
    }

    /** The word on the wire: {@code store_unreachable}. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The code of a word; {@link #FAILED} for words a newer agent might send. */
    public static ErrorCode of(String word) {
        for (ErrorCode code : values()) {
            if (code.word().equals(word)) {
                return code;
            }
        }
        return FAILED;
    }

    /** How a refusal of a round is told to the caller. */
    public static ErrorCode of(Refusal.Kind kind) {
        return switch (kind) {
            case PREFLIGHT -> REFUSED;
            case BUSY -> BUSY;
            case TIMED_OUT -> TIMED_OUT;
            case FAILED -> FAILED;
            case CANCELLED -> CANCELLED;
            case STORE_UNREACHABLE -> STORE_UNREACHABLE;
        };
    }
}
