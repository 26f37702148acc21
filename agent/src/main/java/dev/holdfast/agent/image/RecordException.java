package dev.holdfast.agent.image;

import java.io.Serial;
import java.security.GeneralSecurityException;

/** A record is not what was written there. */
final class RecordException extends GeneralSecurityException {
    @Serial
    private static final long serialVersionUID = 1L;

    RecordException(GeneralSecurityException cause) {
        super(cause.getMessage(), cause);
    }
}
