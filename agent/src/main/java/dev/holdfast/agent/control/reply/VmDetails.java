package dev.holdfast.agent.control.reply;

import dev.holdfast.coordinator.protocol.Name;
import java.util.List;
import java.util.Optional;

/**
 * One machine: the answer to {@code vm.show}, and to {@code vm.start}, {@code stop}, {@code freeze} and {@code thaw}.
 *
 * @param name the machine
 * @param node where it is defined
 * @param group the group it belongs to
 * @param state {@code running}, {@code paused}, {@code frozen}, {@code held}, {@code stopped}, {@code io-error} or
 *     {@code unknown}
 * @param pid the process that runs it, if one does and is its own
 * @param machine machine type, empty if unknown: what somebody else has made is known while it runs
 * @param cpus processors, 0 if unknown
 * @param memoryBytes memory, 0 if unknown
 * @param hypervisor name and version of what runs it, empty if nothing does
 * @param operation what is under way on it, or empty
 * @param disks its disks
 */
public record VmDetails(
        Name name,
        Name node,
        Optional<String> group,
        String state,
        Optional<Long> pid,
        String machine,
        int cpus,
        long memoryBytes,
        String hypervisor,
        String operation,
        List<Disk> disks) {

    /** Copies the list. */
    public VmDetails {
        disks = List.copyOf(disks);
    }

    /**
     * One disk.
     *
     * @param id its id
     * @param path as the definition has it
     * @param layer the layer that is written now, or empty if unknown
     * @param layers length of the chain, 0 if unknown
     * @param bytes room the chain takes, -1 if unknown
     * @param kept what becomes of its image when a snapshot has frozen it, and what that lies on: {@code clone (file on xfs)}; empty if unknown,
     *     as in all answers but that to {@code vm.show}
     */
    public record Disk(String id, String path, String layer, int layers, long bytes, String kept) {}
}
