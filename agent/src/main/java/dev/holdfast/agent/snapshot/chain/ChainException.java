package dev.holdfast.agent.snapshot.chain;

import java.io.IOException;
import java.io.Serial;

/** A chain of layers is not as it must be, or a request does not fit it. The message names the file and says what to do. */
public final class ChainException extends IOException {
    @Serial
    private static final long serialVersionUID = 1L;

    /** @param message what, why, what to do */
    public ChainException(String message) {
        super(message);
    }

    /**
     * @param message what, why, what to do
     * @param cause what was behind it
     */
    public ChainException(String message, Throwable cause) {
        super(message, cause);
    }
}
