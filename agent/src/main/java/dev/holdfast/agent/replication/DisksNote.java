package dev.holdfast.agent.replication;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Copy;
import dev.holdfast.coordinator.replication.CopyFacts;

/**
 * What the disks of a machine on this node are, kept with them.
 *
 * @param copy its id
 * @param generation of the last life it has led; 0 if it was never part of a replication
 * @param whole a guest can boot from them; otherwise they are what is left of a copy and may be overwritten
 * @param strayed the guest went on from them unrecorded
 * @param epoch they are those of a standby that was stopped at this one; 0 once they have led a life, and otherwise
 */
record DisksNote(Name copy, long generation, boolean whole, boolean strayed, long epoch) {

    DisksNote(Name copy, long generation, boolean whole, boolean strayed) {
        this(copy, generation, whole, strayed, 0);
    }

    /** Of what they are, on this node. */
    CopyFacts facts(Name node) {
        return new CopyFacts(new Copy(node, copy), CopyFacts.Kind.DISKS, generation, epoch, strayed);
    }

    /** Those of a standby that was stopped. */
    static DisksNote atRest(Name copy, long generation, long epoch) {
        return new DisksNote(copy, generation, true, false, epoch);
    }

    /** The memory of their epoch has not been taken up yet. */
    DisksNote claimed(long by) {
        return new DisksNote(copy, by, true, strayed, epoch);
    }

    DisksNote led(long by) {
        return new DisksNote(copy, by, true, strayed);
    }

    DisksNote strayed(boolean now) {
        return new DisksNote(copy, generation, whole, now, epoch);
    }

    DisksNote worthless() {
        return new DisksNote(copy, generation, false, false);
    }
}
