package dev.holdfast.agent.image;

import java.io.IOException;
import java.io.Serial;
import org.jspecify.annotations.Nullable;

/** An image cannot be read: no key fits, or it is damaged. The message says which, and what to do. */
public sealed class ImageException extends IOException permits MissingKeyException {
    @Serial
    private static final long serialVersionUID = 1L;

    ImageException(String message) {
        this(message, null);
    }

    /** @param message says what is wrong, and with which image */
    public ImageException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
