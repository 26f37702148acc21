package dev.holdfast.coordinator.codec;

import dev.holdfast.coordinator.protocol.Name;
import java.util.Optional;

/**
 * Where a group's timeline stands. Immutable.
 *
 * @param current the checkpoint that was made or gone back to last
 */
public record TimelineRecord(Optional<Name> current) {}
