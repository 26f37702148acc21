package dev.holdfast.agent.hypervisor;

import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;

/**
 * What a finished capture wrote.
 *
 * @param method the method that was used, never AUTO
 * @param bytes size of the memory image, fsynced; 0 for a capture without memory
 */
public record MemoryFacts(CaptureMethod method, long bytes) {}
