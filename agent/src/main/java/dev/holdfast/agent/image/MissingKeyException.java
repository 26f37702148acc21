package dev.holdfast.agent.image;

import java.io.Serial;

/** No key of this node fits an image, which says nothing about the image. The message says which key, and what to do. */
public final class MissingKeyException extends ImageException {
    @Serial
    private static final long serialVersionUID = 1L;

    MissingKeyException(String message) {
        super(message);
    }
}
