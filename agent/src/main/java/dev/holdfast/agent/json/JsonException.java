package dev.holdfast.agent.json;

import java.io.IOException;
import java.io.Serial;

/** A text is not the JSON that was expected. The message names the place and never repeats the document. */
public final class JsonException extends IOException {
    @Serial
    private static final long serialVersionUID = 1L;

    public JsonException(String message) {
        super(message);
    }

    public JsonException(String message, Throwable cause) {
        super(message, cause);
    }
}
