package dev.holdfast.coordinator.replication;

import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.replication.ReplicationRecord.Stored;
import java.time.Duration;
import java.util.Optional;

/** What can happen to one machine on one node. */
public sealed interface ReplicaEvent {

    /** Hands the event to the method of the state that answers it. */
    Step<ReplicaState, ReplicaEffect> applyTo(ReplicaState state);

    /** Pacemaker promotes this node. */
    record PromoteAsked() implements ReplicaEvent {
        @Override
        public Step<ReplicaState, ReplicaEffect> applyTo(ReplicaState state) {
            return state.onPromoteAsked(this);
        }
    }

    /** Pacemaker demotes this node: it must not run the machine any more, whatever that costs. */
    record DemoteAsked() implements ReplicaEvent {
        @Override
        public Step<ReplicaState, ReplicaEffect> applyTo(ReplicaState state) {
            return state.onDemoteAsked(this);
        }
    }

    /** A person, or pacemaker within {@code migrate_to}, wants the machine to go on from the standby. */
    record SwitchoverAsked() implements ReplicaEvent {
        @Override
        public Step<ReplicaState, ReplicaEffect> applyTo(ReplicaState state) {
            return state.onSwitchoverAsked(this);
        }
    }

    /** A person has decided that what this node's copy holds may be lost. */
    record DiscardAsked() implements ReplicaEvent {
        @Override
        public Step<ReplicaState, ReplicaEffect> applyTo(ReplicaState state) {
            return state.onDiscardAsked(this);
        }
    }

    /** Pacemaker stops this node's instance: it takes no part until the next start. */
    record RetireAsked() implements ReplicaEvent {
        @Override
        public Step<ReplicaState, ReplicaEffect> applyTo(ReplicaState state) {
            return state.onRetireAsked(this);
        }
    }

    /** The standby's process has ended, and its copy was kept. */
    record CopyRested() implements ReplicaEvent {
        @Override
        public Step<ReplicaState, ReplicaEffect> applyTo(ReplicaState state) {
            return state.onCopyRested(this);
        }
    }

    /** The record, as asked for, or because it was seen to change. */
    record RecordRead(Stored stored) implements ReplicaEvent {
        @Override
        public Step<ReplicaState, ReplicaEffect> applyTo(ReplicaState state) {
            return state.onRecordRead(this);
        }
    }

    /** The store, known and answering, holds no record. */
    record RecordAbsent() implements ReplicaEvent {
        @Override
        public Step<ReplicaState, ReplicaEffect> applyTo(ReplicaState state) {
            return state.onRecordAbsent(this);
        }
    }

    /**
     * The write took effect.
     *
     * @param version of the record now
     */
    record RecordWritten(int version) implements ReplicaEvent {
        @Override
        public Step<ReplicaState, ReplicaEffect> applyTo(ReplicaState state) {
            return state.onRecordWritten(this);
        }
    }

    /** The write did not take effect: the record has another version. */
    record RecordRefused() implements ReplicaEvent {
        @Override
        public Step<ReplicaState, ReplicaEffect> applyTo(ReplicaState state) {
            return state.onRecordRefused(this);
        }
    }

    /** The answer to the write was lost. It may take effect, at any time. */
    record RecordUnknown() implements ReplicaEvent {
        @Override
        public Step<ReplicaState, ReplicaEffect> applyTo(ReplicaState state) {
            return state.onRecordUnknown(this);
        }
    }

    /** The store did not answer a read, or is not the one that this node knows. */
    record StoreSilent() implements ReplicaEvent {
        @Override
        public Step<ReplicaState, ReplicaEffect> applyTo(ReplicaState state) {
            return state.onStoreSilent(this);
        }
    }

    /**
     * What pacemaker says about the node that was asked for.
     *
     * @param sinceCommit how long ago the last epoch was committed here, by the monotonic clock, looked up after the proof: until
     *     then the old primary may have gone on
     */
    record ProofGiven(Proof proof, Duration sinceCommit) implements ReplicaEvent {
        @Override
        public Step<ReplicaState, ReplicaEffect> applyTo(ReplicaState state) {
            return state.onProofGiven(this);
        }
    }

    /**
     * The guest's process is gone.
     *
     * @param asked somebody had it stopped, here; else it crashed
     */
    record GuestEnded(boolean asked) implements ReplicaEvent {
        @Override
        public Step<ReplicaState, ReplicaEffect> applyTo(ReplicaState state) {
            return state.onGuestEnded(this);
        }
    }

    /** The guest may go on for as long again, by a promise that was made for the time of a checkpoint; that bound is armed. */
    record BoundRenewed() implements ReplicaEvent {
        @Override
        public Step<ReplicaState, ReplicaEffect> applyTo(ReplicaState state) {
            return state.onBoundRenewed(this);
        }
    }

    /** The guest does not go on from the epoch, and has not run: the copy is as it was before the promotion. */
    record FailOverFailed(long epoch) implements ReplicaEvent {
        @Override
        public Step<ReplicaState, ReplicaEffect> applyTo(ReplicaState state) {
            return state.onFailOverFailed(this);
        }
    }

    /** A promoted copy's disks are on lasting storage alone, and the guest's own. */
    record RolledBack() implements ReplicaEvent {
        @Override
        public Step<ReplicaState, ReplicaEffect> applyTo(ReplicaState state) {
            return state.onRolledBack(this);
        }
    }

    /** The bound that was armed when this epoch was committed has passed: the guest stands still. */
    record LagPassed(long epoch) implements ReplicaEvent {
        @Override
        public Step<ReplicaState, ReplicaEffect> applyTo(ReplicaState state) {
            return state.onLagPassed(this);
        }
    }

    /** The running epoch shall end. */
    record EpochDue() implements ReplicaEvent {
        @Override
        public Step<ReplicaState, ReplicaEffect> applyTo(ReplicaState state) {
            return state.onEpochDue(this);
        }
    }

    /** A revert was decided, in the write that also changed this record; the guest stands still at what it was reverted to. */
    record Reverted(Stored stored) implements ReplicaEvent {
        @Override
        public Step<ReplicaState, ReplicaEffect> applyTo(ReplicaState state) {
            return state.onReverted(this);
        }
    }

    /**
     * A node is there that could become the standby.
     *
     * @param peer the copy it would get, with a fresh id
     */
    record PeerOffered(Copy peer) implements ReplicaEvent {
        @Override
        public Step<ReplicaState, ReplicaEffect> applyTo(ReplicaState state) {
            return state.onPeerOffered(this);
        }
    }

    /** The standby's disks are the primary's, and follow it. */
    record SeedReady() implements ReplicaEvent {
        @Override
        public Step<ReplicaState, ReplicaEffect> applyTo(ReplicaState state) {
            return state.onSeedReady(this);
        }
    }

    /**
     * The standby has committed this epoch and holds nothing that is newer and could still be committed: an epoch has ended, or was
     * given up. The guest may have run on since, by the bound that was in force.
     */
    record StandbyAt(Copy peer, long epoch) implements ReplicaEvent {
        @Override
        public Step<ReplicaState, ReplicaEffect> applyTo(ReplicaState state) {
            return state.onStandbyAt(this);
        }
    }

    /** The standby does not answer, or refuses, or its disks do not follow any more. */
    record StandbyLost(Copy peer) implements ReplicaEvent {
        @Override
        public Step<ReplicaState, ReplicaEffect> applyTo(ReplicaState state) {
            return state.onStandbyLost(this);
        }
    }

    /** A primary offers a copy to this node. */
    record SeedBegun(Copy copy, long generation) implements ReplicaEvent {
        @Override
        public Step<ReplicaState, ReplicaEffect> applyTo(ReplicaState state) {
            return state.onSeedBegun(this);
        }
    }

    /** All of an epoch's memory is here, on stable storage as far as its medium has any. */
    record MemoryComplete(Copy copy, long epoch) implements ReplicaEvent {
        @Override
        public Step<ReplicaState, ReplicaEffect> applyTo(ReplicaState state) {
            return state.onMemoryComplete(this);
        }
    }

    /** The note that a commit begins is written. */
    record Journaled() implements ReplicaEvent {
        @Override
        public Step<ReplicaState, ReplicaEffect> applyTo(ReplicaState state) {
            return state.onJournaled(this);
        }
    }

    /** The disks are at the epoch that is being committed, and the note says so. */
    record DisksCommitted() implements ReplicaEvent {
        @Override
        public Step<ReplicaState, ReplicaEffect> applyTo(ReplicaState state) {
            return state.onDisksCommitted(this);
        }
    }

    /** A step of the commit failed; the copy is in no known state. */
    record CommitFailed() implements ReplicaEvent {
        @Override
        public Step<ReplicaState, ReplicaEffect> applyTo(ReplicaState state) {
            return state.onCommitFailed(this);
        }
    }

    /** The primary says that this copy does not count any more. */
    record VoidHeard(Copy copy) implements ReplicaEvent {
        @Override
        public Step<ReplicaState, ReplicaEffect> applyTo(ReplicaState state) {
            return state.onVoidHeard(this);
        }
    }

    /**
     * No copy could be made here, and nothing was overwritten for it.
     *
     * @param left what was here before and still is
     */
    record CopyNotMade(Optional<CopyFacts> left) implements ReplicaEvent {
        @Override
        public Step<ReplicaState, ReplicaEffect> applyTo(ReplicaState state) {
            return state.onCopyNotMade(this);
        }
    }

    /** The standby's process or files are gone. */
    record CopyLost() implements ReplicaEvent {
        @Override
        public Step<ReplicaState, ReplicaEffect> applyTo(ReplicaState state) {
            return state.onCopyLost(this);
        }
    }

    /** The agent has started and has looked at its media and processes. */
    record Recovered(Found found) implements ReplicaEvent {
        @Override
        public Step<ReplicaState, ReplicaEffect> applyTo(ReplicaState state) {
            return state.onRecovered(this);
        }
    }

    /** Time has passed. */
    record Retry() implements ReplicaEvent {
        @Override
        public Step<ReplicaState, ReplicaEffect> applyTo(ReplicaState state) {
            return state.onRetry(this);
        }
    }
}
