/**
 * A node's half of a round: states, the events that reach them and the effects they ask for. The transition table is in
 * {@link dev.holdfast.coordinator.protocol.participant.ParticipantState}.
 */
@NullMarked
package dev.holdfast.coordinator.protocol.participant;

import org.jspecify.annotations.NullMarked;
