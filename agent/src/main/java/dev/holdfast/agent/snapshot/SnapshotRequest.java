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
 */
public record SnapshotRequest(
        String operation,
        Name name,
        Optional<Name> group,
        CaptureMethod method,
        Duration deadline,
        String description) {}
