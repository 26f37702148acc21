package dev.holdfast.agent.replication;

/** An effect could not be carried out now; it is tried again. */
final class NotYetException extends Exception {
    private static final long serialVersionUID = 1L;

    NotYetException(String message) {
        super(message);
    }

    NotYetException(Exception cause) {
        super(String.valueOf(cause.getMessage()), cause);
    }
}
