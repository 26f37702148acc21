package dev.holdfast.coordinator.codec;

import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundKind;
import java.time.Instant;

/**
 * One line of the cluster's history: how a round ended. For people; nothing is decided by it. Immutable.
 *
 * @param round the round
 * @param kind checkpoint or revert
 * @param epoch the reign that decided it
 * @param group the group
 * @param checkpoint the checkpoint it was about
 * @param outcome how it ended
 * @param text why it was aborted, or a summary; may be empty
 * @param at when, by the wall clock of the node that wrote it
 */
public record HistoryRecord(
        RoundId round,
        RoundKind kind,
        Epoch epoch,
        Name group,
        Name checkpoint,
        Decision outcome,
        String text,
        Instant at) {}
