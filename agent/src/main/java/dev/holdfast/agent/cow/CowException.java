package dev.holdfast.agent.cow;

import java.io.IOException;
import java.io.Serial;

/** A COW file, or a chain of them, is not as it must be. The message names the file and says why and what to do. */
public final class CowException extends IOException {
    @Serial
    private static final long serialVersionUID = 1L;

    /** @param message what, why, what to do */
    public CowException(String message) {
        super(message);
    }

    /**
     * @param message what, why, what to do
     * @param cause what was behind it
     */
    public CowException(String message, Throwable cause) {
        super(message, cause);
    }
}
