package dev.holdfast.agent.guard;

import java.io.IOException;
import java.io.Serial;

/**
 * The guard cannot be reached or did not answer in time. Whether it carried the request out is unknown; the connection
 * is closed, so what was armed through it is thawed. Without a guard nothing may be frozen.
 */
public final class GuardUnavailableException extends IOException {
    @Serial
    private static final long serialVersionUID = 1L;

    GuardUnavailableException(String message, Throwable cause) {
        super(message, cause);
    }

    GuardUnavailableException(String message) {
        super(message);
    }
}
