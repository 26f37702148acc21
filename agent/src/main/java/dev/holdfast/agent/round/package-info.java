/**
 * This node's part in a round: what {@link dev.holdfast.coordinator.port.Snapshotter} asks for, done to all machines of the
 * node at once, with the guard as the net below every freeze.
 */
@NullMarked
package dev.holdfast.agent.round;

import org.jspecify.annotations.NullMarked;
