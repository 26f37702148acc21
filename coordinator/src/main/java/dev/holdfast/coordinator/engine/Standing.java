package dev.holdfast.coordinator.engine;

import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.RoundId;
import java.util.Optional;

/**
 * How far this node's part in a round is, with or without an entry in its journal. Immutable.
 *
 * @param round the round
 * @param waits whether it waits for the end of the round, and has read no decision in this life
 * @param makesTrue the decision that it has read and is making true
 */
public record Standing(RoundId round, boolean waits, Optional<Decision> makesTrue) {}
