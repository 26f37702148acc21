package dev.holdfast.agent.config;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Policy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * Table {@code [replication]} of a machine: it has a live copy on another node. Immutable.
 *
 * @param mode key {@code mode}, default {@code checkpoint}
 * @param nodes key {@code nodes}, default none: where copies may be; empty for each node that has the definition
 * @param interval key {@code interval}, default {@code 1s}, 100 ms to 10 min: from epoch to epoch. Too small: the network and the
 *     guest's pauses cost more than the guest gets done. Too large: more is lost, and {@code output_commit} makes answers late
 * @param maxPause key {@code max_pause}, default {@code 500ms}, 10 ms to 1 min: the longest stop of the guest for the rest of an
 *     epoch's memory. Too small: epochs of busy guests are given up, and the machine is held or loses its standby
 * @param maxLag key {@code max_lag}, default three times the interval and at least {@code 3s}: the guest runs at most that long
 *     beyond the last committed epoch, then it is held. At least interval and pause together
 * @param bandwidth key {@code bandwidth}, default {@code "0"}, or 16 KiB to 1 TiB: bytes a second at most; 0 for no limit
 * @param policy keys {@code output_commit} (default false), {@code on_isolation} (default {@code pause}) and {@code max_stale}
 *     (default none, 1 s to 24 h; needed with {@code continue})
 * @param standbyDirectory key {@code standby_dir}, default {@code /dev/shm/holdfast}: on a medium that a power failure empties; each machine has a directory in it
 */
public record ReplicationSettings(
        Mode mode,
        List<Name> nodes,
        Duration interval,
        Duration maxPause,
        Duration maxLag,
        long bandwidth,
        Policy policy,
        Path standbyDirectory) {

    /** Copies the list. */
    public ReplicationSettings {
        nodes = List.copyOf(nodes);
    }

    /** What is copied. */
    public enum Mode {
        /** Disks and memory. */
        CHECKPOINT,
        /** Disks alone: the guest boots after a failover. {@code max_pause} means nothing then and is refused. */
        DISK
    }

    /** Whether a node may have a copy. */
    public boolean mayBeOn(Name node) {
        return nodes.isEmpty() || nodes.contains(node);
    }
}
