package dev.holdfast.coordinator.replication;

/** How far a wish to change the record has come. */
enum Ink {
    /** The record says what it shall. */
    WRITTEN,
    /** The answer to an earlier write is awaited, of another wish. */
    EARLIER,
    WRITING,
    READING,
    /** The store did not answer. */
    SILENT;

    /** Whether an answer of the store is under way. */
    boolean isBusy() {
        return this == EARLIER || this == WRITING || this == READING;
    }

    /** What this is to somebody with another wish, who writes at once if nothing is under way. */
    Ink forAnother() {
        return switch (this) {
            case EARLIER, WRITING -> EARLIER;
            case READING -> READING;
            case WRITTEN, SILENT -> WRITING;
        };
    }
}
