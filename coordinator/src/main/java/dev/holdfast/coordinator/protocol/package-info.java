/**
 * The pure protocol: the coordinator's and the participant's half of a round as machines that take an event and
 * return the next state and an ordered list of effects.
 *
 * <p>Nothing here owns a thread, a clock, a socket or a source of randomness, and nothing here imports anything but
 * the JDK's values and collections. "The process dies between two effects" is therefore a loop in a test.
 *
 * <p>Start reading at {@link dev.holdfast.coordinator.protocol.leader.LeaderState} (the leader's side of a round) and
 * {@link dev.holdfast.coordinator.protocol.participant.ParticipantState} (a node's side); their javadoc holds the transition tables.
 */
@NullMarked
package dev.holdfast.coordinator.protocol;

import org.jspecify.annotations.NullMarked;
