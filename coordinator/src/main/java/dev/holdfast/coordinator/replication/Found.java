package dev.holdfast.coordinator.replication;

import java.util.Optional;

/** What an agent finds when it starts. */
public sealed interface Found {

    /** What has become of the guest's process. */
    enum Guest {
        /** It is there; whether its processors run is not known, and the bound that was armed is still in force. */
        THERE,
        /** It waits for the memory of the epoch it was promoted with, and has never run. */
        WAITS,
        GONE
    }

    /** No process; perhaps a copy: disks, or what a standby that was stopped has left. */
    record Idle(Optional<CopyFacts> copy) implements Found {}

    /**
     * A standby's copy, and its process.
     *
     * @param facts with the last epoch that is noted as committed
     * @param committing whether there is a note that the next one is being committed: its memory is complete, and its disks
     *     are at either
     */
    record Standby(CopyFacts facts, boolean committing) implements Found {}

    /**
     * A primary.
     *
     * @param copy what it runs from
     * @param generation of its life
     * @param peer the standby that may be in the set; empty if it is noted that none is
     * @param guest its process
     * @param settled whether its disks are on lasting storage alone
     * @param strayed whether it ran on unrecorded
     * @param leaving it was noted that the machine is being given up
     * @param epoch it was promoted with; of use while the process waits
     */
    @SuppressWarnings("ParameterNumber")
    record Primary(
            Copy copy,
            long generation,
            Optional<Copy> peer,
            Guest guest,
            boolean settled,
            boolean strayed,
            boolean leaving,
            long epoch)
            implements Found {}
}
