package dev.holdfast.agent.snapshot;

import dev.holdfast.agent.snapshot.chain.SnapshotRecord;
import dev.holdfast.coordinator.protocol.Name;
import java.util.Optional;

/**
 * A snapshot as it is listed. Immutable.
 *
 * @param snapshot what its sidecar says
 * @param parent the snapshot below it now; removals change that
 * @param current whether the machine's present disks stand on it directly
 * @param memoryBytes size of its memory image, 0 without
 * @param encrypted whether its memory image says that it is encrypted; not if it cannot be read
 * @param diskBytes size of its own layers, without those below
 */
public record SnapshotInfo(
        SnapshotRecord snapshot,
        Optional<Name> parent,
        boolean current,
        long memoryBytes,
        boolean encrypted,
        long diskBytes) {}
