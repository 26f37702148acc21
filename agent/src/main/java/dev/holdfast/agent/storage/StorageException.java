package dev.holdfast.agent.storage;

import java.io.Serial;
import org.jspecify.annotations.Nullable;

/** Something asked of a storage did not succeed. The message says what, why and what to do. */
public final class StorageException extends Exception {
    @Serial
    private static final long serialVersionUID = 1L;

    /** What the caller may conclude. */
    public enum Kind {
        /** Nothing was touched. */
        REFUSED,
        /** It failed, and nothing of it is left. */
        FAILED,
        /** A command has not ended and may still succeed, or what it left could not be removed: {@link ImageStore#copies} will tell. */
        UNKNOWN
    }

    private final Kind kind;

    /** @param kind what the caller may conclude */
    public StorageException(Kind kind, String message) {
        this(kind, message, null);
    }

    /**
     * @param kind what the caller may conclude
     * @param cause what was behind it
     */
    public StorageException(Kind kind, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    /** What the caller may conclude. */
    public Kind kind() {
        return kind;
    }
}
