package dev.holdfast.agent.control.reply;

import dev.holdfast.coordinator.protocol.Name;
import java.util.List;
import java.util.Optional;

/**
 * A replicated machine as one node knows it: the answer to {@code replica.show}, {@code replica.start} and the other commands that
 * change its role.
 *
 * @param vm the machine
 * @param node who answers
 * @param role {@code primary}, {@code standby} or {@code none}
 * @param state {@code protected}, {@code alone}, {@code seeding}, {@code shrinking}, {@code isolated}, {@code leaving},
 *     {@code following}, {@code candidate}, {@code out}, or {@code starting} before the agent knows
 * @param started whether this node takes part
 * @param peer of a primary: the node of its standby; of a standby: the node of its primary as far as the store has told
 * @param copy this node's copy as {@code node/id}, if it has one
 * @param generation of the life that is led, or followed; 0 if none is
 * @param set the copies that may be promoted, as the store has last said, each as {@code node/id}
 * @param running the node that runs the machine, or may, as the store has last said
 * @param epoch the last one that is committed; 0 if none is
 * @param committedMsAgo how long ago that was; -1 if unknown
 * @param held whether the guest stands still because it may not go further without its standby
 * @param onIsolation {@code pause} or {@code continue}
 * @param mode {@link #CHECKPOINT} or {@link #DISK}
 * @param score what pacemaker is told; absent if this node may not be promoted
 * @param seed how far a new standby's disks are, while they are copied
 * @param epochs the last ones, the oldest first
 * @param history changes of role, the oldest first
 */
public record ReplicaDetails(
        Name vm,
        Name node,
        String role,
        String state,
        boolean started,
        Optional<Name> peer,
        Optional<String> copy,
        long generation,
        List<String> set,
        Optional<Name> running,
        long epoch,
        long committedMsAgo,
        boolean held,
        String onIsolation,
        String mode,
        Optional<Integer> score,
        Optional<Seed> seed,
        List<Epoch> epochs,
        List<Change> history) {

    /** Epochs of disks and memory. */
    public static final String CHECKPOINT = "checkpoint";

    /** Epochs of disks alone. */
    public static final String DISK = "disk";

    /** Copies the lists. */
    public ReplicaDetails {
        set = List.copyOf(set);
        epochs = List.copyOf(epochs);
        history = List.copyOf(history);
    }

    /**
     * How far a copy of disks is.
     *
     * @param done bytes
     * @param total bytes
     */
    public record Seed(long done, long total) {}

    /**
     * One epoch that came to an end.
     *
     * @param epoch its number
     * @param committed whether it was committed; else it was given up
     * @param pauseMs how long the guest stood still
     * @param lengthMs from its first byte to its end
     * @param bytes of memory; in mode {@link #DISK}, that the guest has written since the epoch before
     */
    public record Epoch(long epoch, boolean committed, long pauseMs, long lengthMs, long bytes) {}

    /**
     * A change of role.
     *
     * @param at when, ISO 8601
     * @param what the state from then on
     * @param why what brought it about
     */
    public record Change(String at, String what, String why) {}
}
