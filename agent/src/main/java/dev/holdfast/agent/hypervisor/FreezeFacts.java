package dev.holdfast.agent.hypervisor;

/**
 * When the processors had stopped.
 *
 * @param atNanos our monotonic clock
 * @param wallMicros the hypervisor's wall clock, microseconds since 1970; 0 if it does not tell
 * @param early the guest stopped by itself before it was asked to (a live capture that converged)
 */
public record FreezeFacts(long atNanos, long wallMicros, boolean early) {}
