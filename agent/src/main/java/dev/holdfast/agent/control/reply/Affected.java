package dev.holdfast.agent.control.reply;

import java.util.List;

/**
 * What a deletion or a retention did, or would do with {@code dry_run}: the answer to {@code checkpoint.delete} and
 * {@code checkpoint.prune}.
 *
 * @param message one line for the user
 * @param removed names of the checkpoints that go
 * @param kept names of the checkpoints that stay
 * @param bytes room that becomes free, -1 if unknown
 */
public record Affected(String message, List<String> removed, List<String> kept, long bytes) {

    /** Copies the lists. */
    public Affected {
        removed = List.copyOf(removed);
        kept = List.copyOf(kept);
    }
}
