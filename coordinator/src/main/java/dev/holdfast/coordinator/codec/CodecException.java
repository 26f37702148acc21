package dev.holdfast.coordinator.codec;

/** Bytes are not a record that this version can read. Whoever catches it changes and removes nothing. */
public final class CodecException extends Exception {

    private static final long serialVersionUID = 1L;

    /** @param message what, why, what to do */
    public CodecException(String message) {
        super(message);
    }

    /**
     * @param message what, why, what to do
     * @param cause the parser's error
     */
    public CodecException(String message, Throwable cause) {
        super(message, cause);
    }
}
