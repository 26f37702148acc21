package dev.holdfast.agent.journal;

import dev.holdfast.coordinator.protocol.Name;

/**
 * The process that ran a machine when the entry was written, told apart from a later one with the same number.
 *
 * @param vm the machine
 * @param pid process id
 * @param startTicks start time in clock ticks since boot, field 22 of {@code /proc/<pid>/stat}
 * @param bootId the boot it belongs to, from {@code /proc/sys/kernel/random/boot_id}
 */
public record JournaledProcess(Name vm, long pid, long startTicks, String bootId) {}
