package dev.holdfast.coordinator.port;

import dev.holdfast.coordinator.protocol.CheckpointRecord;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.Name;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;

/** The groups and the committed checkpoints. Methods block for up to the store's time-out. Thread-safe. */
public interface Catalogue {

    /**
     * A group.
     *
     * @param name its name
     * @param vms its machines, wherever they run
     * @param current the checkpoint its present timeline began from
     */
    record Group(Name name, SortedSet<Name> vms, Optional<Name> current) {}

    /** All groups, by name. */
    List<Group> groups() throws StoreUnreachableException;

    /** One group. */
    Optional<Group> group(Name group) throws StoreUnreachableException;

    /** Adds a machine to a group, creating the group if needed. Idempotent. */
    void addToGroup(Name group, Name vm) throws StoreUnreachableException;

    /** Takes a machine out of a group; a group without machines and checkpoints disappears. Idempotent. */
    void removeFromGroup(Name group, Name vm) throws StoreUnreachableException;

    /** A group's checkpoints, oldest cut first. */
    List<CheckpointRecord> checkpoints(Name group) throws StoreUnreachableException;

    /** One checkpoint. */
    Optional<CheckpointRecord> checkpoint(Name group, Name checkpoint) throws StoreUnreachableException;

    /**
     * Marks a checkpoint DELETING, checking the epoch in the same multi: from then on its parts may be removed, and it
     * cannot be gone back to. Idempotent.
     *
     * @return false if there is no such checkpoint
     * @throws GroupBusyException a round makes it or goes back to it
     */
    boolean beginDelete(Name group, Name checkpoint, Epoch reign) throws StoreUnreachableException, GroupBusyException;

    /** Removes the record of a checkpoint that is DELETING and whose parts are gone. Idempotent. */
    void finishDelete(Name group, Name checkpoint, Epoch reign) throws StoreUnreachableException;
}
