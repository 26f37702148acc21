package dev.holdfast.coordinator.port;

import java.io.IOException;

/** The journal has an entry that nobody can read: what this node has promised in that round is not known. The message is for people. */
public final class UnreadableEntryException extends IOException {
    private static final long serialVersionUID = 1L;

    /** @param message which file, and what is wrong with it */
    public UnreadableEntryException(String message) {
        super(message);
    }
}
