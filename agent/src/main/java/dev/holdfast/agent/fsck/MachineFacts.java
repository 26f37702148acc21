package dev.holdfast.agent.fsck;

import dev.holdfast.coordinator.protocol.Name;
import java.util.List;
import java.util.Optional;

/**
 * What one node sees of one machine that is defined on it: its files, and what the hypervisor says. Immutable; goes over the wire.
 *
 * @param vm the machine
 * @param state {@code running}, {@code paused}, {@code stopped}, ..., {@code unknown} if a process does not answer
 * @param apart each node has disks of its own for it: it is replicated
 * @param busy what is under way on it here, for people; nothing is said about a machine on which something is
 * @param disks the disks of its process, next to what the head names; empty if it does not run, or could not be asked
 * @param mark the mark of a freeze in its run directory
 * @param chain its chain of layers; empty if it has no disks, or was not looked at
 * @param notSeen why its chain was not looked at
 */
public record MachineFacts(
        Name vm,
        String state,
        boolean apart,
        Optional<String> busy,
        List<OpenDisk> disks,
        Optional<Mark> mark,
        Optional<ChainFacts> chain,
        Optional<NotSeen> notSeen) {

    /** The state of a machine without a process. */
    public static final String STOPPED = "stopped";

    /** The state of a machine whose process does not answer. */
    public static final String UNKNOWN = "unknown";

    /** Copies the list. */
    public MachineFacts {
        disks = List.copyOf(disks);
    }

    /** Whether it has a process here. */
    public boolean hasProcess() {
        return !STOPPED.equals(state);
    }

    /**
     * A disk of a process.
     *
     * @param disk its id
     * @param written the file that is written to
     * @param head the file that the head names: a start from the definition would find that one
     */
    public record OpenDisk(String disk, String written, String head) {}

    /**
     * A mark of a freeze.
     *
     * @param token the operation that froze
     * @param hold whether it has no bound: a revert whose decision is not known
     * @param over whether its bound has passed for certain
     * @param known whether that operation is under way, or may be
     */
    public record Mark(String token, boolean hold, boolean over, boolean known) {}

    /**
     * A chain that was not looked at.
     *
     * @param elsewhere its machine runs on another node, which looks at it: no finding
     * @param because why
     * @param mendable its head is what is wrong, and it is certain where that has to lead
     */
    public record NotSeen(boolean elsewhere, String because, boolean mendable) {}
}
