package dev.holdfast.agent.replication;

import static java.util.Map.entry;

import dev.holdfast.coordinator.replication.ReplicaEvent;
import java.util.Map;

/** What changed a machine's role, in words for the administrator; the log has the event itself. */
final class Because {
    private static final Map<Class<? extends ReplicaEvent>, String> WORDS = Map.ofEntries(
            entry(ReplicaEvent.PromoteAsked.class, "it shall be promoted here"),
            entry(ReplicaEvent.DemoteAsked.class, "it was demoted here"),
            entry(ReplicaEvent.SwitchoverAsked.class, "a person switched it over"),
            entry(ReplicaEvent.DiscardAsked.class, "a person declared that this copy may be lost"),
            entry(ReplicaEvent.RecordRead.class, "the store said how it is recorded"),
            entry(ReplicaEvent.RecordAbsent.class, "the store knows no such machine"),
            entry(ReplicaEvent.RecordWritten.class, "the store has recorded it so"),
            entry(ReplicaEvent.RecordRefused.class, "the record was changed by another node"),
            entry(ReplicaEvent.RecordUnknown.class, "whether the store has recorded it is not known"),
            entry(ReplicaEvent.StoreSilent.class, "the store does not answer"),
            entry(ReplicaEvent.ProofGiven.class, "pacemaker said whether the old primary is gone"),
            entry(ReplicaEvent.GuestEnded.class, "the guest's process ended"),
            entry(ReplicaEvent.FailOverFailed.class, "the guest could not go on from the epoch here, and has not run"),
            entry(ReplicaEvent.BoundRenewed.class, "a checkpoint is not over, and the guest is not held for it"),
            entry(ReplicaEvent.RolledBack.class, "the guest goes on from the epoch"),
            entry(ReplicaEvent.LagPassed.class, "max_lag has passed without an epoch"),
            entry(ReplicaEvent.EpochDue.class, "an epoch was due"),
            entry(ReplicaEvent.Reverted.class, "it was reverted to a checkpoint"),
            entry(ReplicaEvent.PeerOffered.class, "another node can be the standby"),
            entry(ReplicaEvent.SeedReady.class, "the disks are on the standby"),
            entry(ReplicaEvent.StandbyAt.class, "the standby has committed an epoch"),
            entry(ReplicaEvent.StandbyLost.class, "the standby was lost"),
            entry(ReplicaEvent.SeedBegun.class, "the primary makes this node its standby"),
            entry(ReplicaEvent.MemoryComplete.class, "the memory of an epoch has come"),
            entry(ReplicaEvent.Journaled.class, "a commit was noted"),
            entry(ReplicaEvent.DisksCommitted.class, "the disks are at the epoch"),
            entry(ReplicaEvent.CommitFailed.class, "an epoch could not be committed here"),
            entry(ReplicaEvent.VoidHeard.class, "the primary said that this copy does not count any more"),
            entry(ReplicaEvent.CopyNotMade.class, "no copy could be made here; see the agent's log"),
            entry(ReplicaEvent.CopyLost.class, "the standby's process ended"),
            entry(ReplicaEvent.RetireAsked.class, "it was stopped here"),
            entry(ReplicaEvent.CopyRested.class, "it was stopped here, and its copy is kept"),
            entry(ReplicaEvent.Recovered.class, "the agent was started, and found it so"),
            entry(ReplicaEvent.Retry.class, "it was tried again"));

    private Because() {}

    static String of(ReplicaEvent event) {
        return WORDS.getOrDefault(event.getClass(), event.toString());
    }

    /** Whether there are words for it. */
    static boolean knows(Class<?> event) {
        return WORDS.containsKey(event);
    }
}
