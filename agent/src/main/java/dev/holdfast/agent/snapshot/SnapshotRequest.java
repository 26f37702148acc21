package dev.holdfast.agent.snapshot;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.time.Duration;
import java.util.Optional;

/**
 * What is asked of a snapshot of one machine. Immutable.
 *
 * @param operation who asks: a round's id, or an id of the agent's own; every later call about it names it
 * @param name of the snapshot, unique on the machine
 * @param group the group whose checkpoint it is a part of, if any
 * @param method how memory is captured
 * @param deadline bound for each step that holds the guest still. Too small: busy disks make it fail. Too large: a hung
 *     storage holds the guest for that long
 * @param description free text for people, may be empty
 * @param allowDegraded whether its disks may be on a storage that is not as it should be, if they are whole here
 */
public record SnapshotRequest(
        String operation,
        Name name,
        Optional<Name> group,
        CaptureMethod method,
        Duration deadline,
        String description,
        boolean allowDegraded) {

    /** Of disks on a storage that is as it should be. */
    public SnapshotRequest(
            String operation,
            Name name,
            Optional<Name> group,
            CaptureMethod method,
            Duration deadline,
            String description) {
        this(operation, name, group, method, deadline, description, false);
    }

    /** The same, but for the storage of its disks. */
    public SnapshotRequest withDegraded(boolean allowed) {
        return new SnapshotRequest(operation, name, group, method, deadline, description, allowed);
    }
}
