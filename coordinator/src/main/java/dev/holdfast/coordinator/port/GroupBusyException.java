package dev.holdfast.coordinator.port;

/** Another operation on the group is under way. */
public final class GroupBusyException extends Exception {

    private static final long serialVersionUID = 1L;

    /** @param message what, why, what to do */
    public GroupBusyException(String message) {
        super(message);
    }
}
