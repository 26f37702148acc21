package dev.holdfast.agent.guard;

import dev.holdfast.coordinator.protocol.Name;

/**
 * The guard has stopped a machine because its hold became due.
 *
 * @param vm which
 * @param token what it was to be held with
 * @param reason {@code lag} (the time has passed with the agent there), {@code eof} (after the agent's connection had ended)
 * @param result for the operator: {@code stopped}, {@code already stopped}, {@code gone ...}
 */
public record Held(Name vm, String token, String reason, String result) {}
