package dev.holdfast.agent.cluster;

import java.io.Serial;

/** Another agent was asked to do something, and nobody can tell whether it did. The message says why. */
public final class OutcomeUnknownException extends Exception {
    @Serial
    private static final long serialVersionUID = 1L;

    /** @param message why it is not known */
    public OutcomeUnknownException(String message) {
        super(message);
    }
}
