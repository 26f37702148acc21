package dev.holdfast.agent.guard;

import java.io.IOException;
import java.io.Serial;

/** The guard answered no; the message is its own text for the operator. Nothing was changed. */
public final class GuardRefusedException extends IOException {
    @Serial
    private static final long serialVersionUID = 1L;

    GuardRefusedException(String message) {
        super(message);
    }
}
