package dev.holdfast.agent.snapshot;

/**
 * What a snapshot would take. Immutable.
 *
 * @param bytes space that will be reserved
 * @param usableBytes space there is
 * @param depth layers that the deepest disk would have
 */
public record Estimate(long bytes, long usableBytes, int depth) {}
