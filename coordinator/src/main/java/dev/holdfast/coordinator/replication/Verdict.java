package dev.holdfast.coordinator.replication;

/** Whether something may be done. */
public sealed interface Verdict {

    /**
     * It may, once this has been written in place of what was read.
     *
     * @param next the record from then on
     */
    record Allowed(ReplicationRecord next) implements Verdict {}

    /** It may not. Nothing was changed. */
    record Refused(Reason reason) implements Verdict {}

    /** A refusal. */
    static Verdict no(Reason reason) {
        return new Refused(reason);
    }
}
