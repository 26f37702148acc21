package dev.holdfast.agent.control;

import dev.holdfast.coordinator.protocol.Refusal;
import java.io.Serial;

/** A command did not succeed, in words for the user: what, why, and what to do. */
public final class ControlException extends Exception {
    @Serial
    private static final long serialVersionUID = 1L;

    private final ErrorCode code;
    private final String why;
    private final String correction;
    private final ExitCode exit;

    /**
     * @param code what kind of error it is
     * @param message what happened
     * @param why why it happened, or empty
     * @param correction what to do about it, or empty
     */
    public ControlException(ErrorCode code, String message, String why, String correction) {
        this(code, message, why, correction, code.exit());
    }

    ControlException(ErrorCode code, String message, String why, String correction, ExitCode exit) {
        super(message);
        this.code = code;
        this.why = why;
        this.correction = correction;
        this.exit = exit;
    }

    /** An error that its message says all about. */
    public static ControlException of(ErrorCode code, String message) {
        return new ControlException(code, message, "", "");
    }

    /** A round that did not come about. */
    public static ControlException of(Refusal refusal) {
        return of(ErrorCode.of(refusal.kind()), refusal.text());
    }

    /** What kind of error it is. */
    public ErrorCode code() {
        return code;
    }

    /** Why it happened, or empty. */
    public String why() {
        return why;
    }

    /** What to do about it, or empty. */
    public String correction() {
        return correction;
    }

    /** How the command line ends. */
    public ExitCode exit() {
        return exit;
    }
}
