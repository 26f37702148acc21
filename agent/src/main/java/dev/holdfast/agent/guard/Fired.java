package dev.holdfast.agent.guard;

import dev.holdfast.coordinator.protocol.Name;

/**
 * The guard has thawed a machine by itself.
 *
 * @param vm which
 * @param token what it was armed with
 * @param reason {@code deadline}, {@code eof} (the connection that armed it ended), {@code guard stopped}
 * @param result for the operator: {@code resumed}, {@code already running}, {@code left paused ...}, {@code gone ...}
 */
public record Fired(Name vm, String token, String reason, String result) {}
