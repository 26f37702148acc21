package dev.holdfast.agent.config;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Table {@code [checkpoint]}: durations of a round unless the command says otherwise, and keys for memory images. Immutable.
 *
 * @param deadline key {@code deadline}, default {@code 5s}, 100 ms to 10 min: the longest freeze of a guest, after which the
 *     guard thaws it. Too small: rounds on busy disks are void; it must be longer than the time in which a crashed member
 *     is noticed ({@link LivenessCheck#CRASH_DETECTION}). Too large: a broken round holds guests still for that long
 * @param prepareTimeout key {@code prepare_timeout}, default {@code 60s}, 1 s to 1 h: everything before the freeze (space is
 *     reserved, disks are flushed, file systems are quiesced). Too small: rounds on slow disks are refused. Too large: a
 *     node that hangs blocks its group for that long
 * @param drainTimeout key {@code drain_timeout}, default {@code 10m}, 1 s to 24 h: from the freeze until every memory image is
 *     on disk; guests run meanwhile. Too small: large guests can never be saved. Too large: a stuck disk keeps the group
 *     from its next checkpoint for that long
 * @param revertDeadline key {@code revert_deadline}, default {@code 2m}, 1 s to 10 min: the longest hold of a guest in a
 *     revert until all members have loaded their memory, after which the guard lets it run as it was. Too small: large guests
 *     can never go back. Too large: a revert that hangs holds guests still for that long
 * @param memoryKeyFile key {@code memory_key_file}, default none: the key with which memory images of checkpoints and
 *     snapshots are encrypted. Who loses it loses them
 * @param oldMemoryKeyFiles key {@code old_memory_key_files}, default none: keys of images that are there, read but not written with
 */
public record CheckpointSettings(
        Duration deadline,
        Duration prepareTimeout,
        Duration drainTimeout,
        Duration revertDeadline,
        Optional<Path> memoryKeyFile,
        List<Path> oldMemoryKeyFiles) {

    /** Copies the list. */
    public CheckpointSettings {
        oldMemoryKeyFiles = List.copyOf(oldMemoryKeyFiles);
    }

    /** All files that hold keys for memory images. */
    public List<Path> memoryKeyFiles() {
        return Stream.concat(memoryKeyFile.stream(), oldMemoryKeyFiles.stream()).toList();
    }
}
