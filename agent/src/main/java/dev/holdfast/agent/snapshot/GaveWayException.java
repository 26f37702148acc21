package dev.holdfast.agent.snapshot;

import java.io.IOException;
import java.io.Serial;

/** Something that can be done another time was given up for an operation that wants the machine. Nothing has failed. */
final class GaveWayException extends IOException {
    @Serial
    private static final long serialVersionUID = 1L;

    GaveWayException(String message) {
        super(message);
    }
}
