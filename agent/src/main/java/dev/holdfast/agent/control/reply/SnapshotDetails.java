package dev.holdfast.agent.control.reply;

import dev.holdfast.coordinator.protocol.Name;
import java.util.List;
import java.util.Optional;

/**
 * One local snapshot: the answer to {@code snapshot.create} and {@code snapshot.show}.
 *
 * @param vm the machine
 * @param name unique for the machine
 * @param created by the node's wall clock, ISO 8601
 * @param state {@code complete} or {@code deleting}
 * @param parent the snapshot before it
 * @param current whether the machine's present data descends from it directly
 * @param description free text
 * @param method how memory was captured
 * @param quiesce what came of the request to flush file systems
 * @param pauseNanos how long the machine stood still
 * @param bytes size of all files
 * @param files what was kept
 */
public record SnapshotDetails(
        Name vm,
        Name name,
        String created,
        String state,
        Optional<String> parent,
        boolean current,
        String description,
        String method,
        String quiesce,
        long pauseNanos,
        long bytes,
        List<StoredFile> files) {

    /** Copies the list. */
    public SnapshotDetails {
        files = List.copyOf(files);
    }
}
