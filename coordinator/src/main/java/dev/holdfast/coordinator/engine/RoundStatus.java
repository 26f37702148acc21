package dev.holdfast.coordinator.engine;

import dev.holdfast.coordinator.protocol.RoundSpec;

/**
 * What one node knows of a round it takes part in: a snapshot for display.
 *
 * @param spec the round
 * @param state name of the participant's state on this node
 */
public record RoundStatus(RoundSpec spec, String state) {}
