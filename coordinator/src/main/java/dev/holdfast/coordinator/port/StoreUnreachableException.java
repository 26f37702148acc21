package dev.holdfast.coordinator.port;

/**
 * The store did not answer, refused, or is not the store this cluster knows. One path for every store error: whoever
 * catches this starts nothing new and leaves running machines alone.
 */
public final class StoreUnreachableException extends Exception {

    private static final long serialVersionUID = 1L;

    /**
     * @param message what, why, what to do
     * @param cause the library's error
     */
    public StoreUnreachableException(String message, Throwable cause) {
        super(message, cause);
    }

    /** @param message what, why, what to do */
    public StoreUnreachableException(String message) {
        super(message);
    }
}
