package dev.holdfast.agent.control.reply;

import java.util.List;

/**
 * The answer to {@code snapshot.list}.
 *
 * @param snapshots oldest first; files may be left out
 */
public record SnapshotList(List<SnapshotDetails> snapshots) {

    /** Copies the list. */
    public SnapshotList {
        snapshots = List.copyOf(snapshots);
    }
}
