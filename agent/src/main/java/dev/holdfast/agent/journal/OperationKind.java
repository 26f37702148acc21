package dev.holdfast.agent.journal;

import java.util.Locale;

/** What an operation on machines is for. */
public enum OperationKind {
    CHECKPOINT,
    CHECKPOINT_DELETE,
    REVERT,
    SNAPSHOT_CREATE,
    SNAPSHOT_DELETE,
    SNAPSHOT_REVERT,
    MERGE,
    START,
    STOP,
    IMPORT_DISK,
    FSCK,
    MIGRATE,
    MIGRATE_IN;

    /** As people read it: {@code snapshot create}. */
    public String text() {
        return name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }
}
