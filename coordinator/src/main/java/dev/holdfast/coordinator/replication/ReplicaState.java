package dev.holdfast.coordinator.replication;

import dev.holdfast.coordinator.protocol.Step;
import java.util.Optional;

/**
 * One replicated machine on one node. Immutable; a new state comes out of each event.
 *
 * <pre>
 * state       event                        next        effects, in order
 * Out         Recovered                    Out, Following, Alone, Shrinking or Leaving, as found
 * Out         SeedBegun                    Following   MakeCopy                                  (or Refuse: {@link Reseed})
 * Out         DiscardAsked                 Out         DropCopy Done
 * Out         RetireAsked                  same        Done
 * Out         VoidHeard, of a standby that was stopped Out, DropCopy
 * Out         Retry, the copy rests        asking      ReadRecord
 *             RecordRead without the copy  Out         FreeMemory: the disks stay
 *
 * Following   MemoryComplete(k)            noting      NoteCommit(k)
 *   noting    Journaled                    committing  CommitDisks(k)
 *   committing DisksCommitted              Following(k) Acknowledge(k)
 *             CommitFailed, CopyLost, VoidHeard        Out, DropCopy
 *             CopyNotMade, before an epoch Out         with the disks that were there before
 *             RetireAsked                  resting     RestCopy(k); in a commit: at its end; before the first epoch: Out, DropCopy
 *   resting   CopyRested                   Out         Done: the copy stays, and can be promoted
 *
 * Out, Following, PromoteAsked             Reading     ReadRecord        (Following: a commit is finished first)
 * Reading     RecordRead                   Proving     AskProof          (or Claiming, or back: {@link Promotion})
 * Proving     ProofGiven                   Claiming    WriteRecord(generation + 1, {self})           (or back, Refuse)
 * Claiming    RecordWritten                Alone       NoteLife, then RunCold or FailOver, Done (at rest: settled at once)
 * Claiming    RecordRefused, RecordUnknown Reading     ReadRecord
 *
 * candidate   DemoteAsked, RetireAsked     same        Done; what is on its way is awaited and comes to nothing
 *
 * Alone       RolledBack                   settled     KeepCopy
 * Alone       FailOverFailed               Following(k) ForgetLife: the copy is as it was
 * Alone       PeerOffered, settled         Seeding     Seed
 * Seeding     SeedReady                    sending     SendEpoch(1)
 * Seeding     StandbyAt(1)                 Protected   ArmLag NoteLife(peer) WriteRecord({self, peer}) RunOn
 *             StandbyAt(0)                 sending     SendEpoch(1): it was given up
 * Seeding     StandbyLost                  Alone       Detach DisarmLag FreeOutput RunOn
 *
 * Protected   EpochDue                     sending     SendEpoch(k+1)
 *   sending   StandbyAt(k+1)               running     ArmLag RunOn
 *   sending   StandbyAt(k)                 sending     SendEpoch(k+1): it was given up
 *   sending   LagPassed                    same        Hold: whatever becomes of the epoch
 *   running   LagPassed                    held        Hold
 *   held      BoundRenewed                 running     RunOn: only in a checkpoint
 *             StandbyLost                  Shrinking   WriteRecord({self}), or first the answer to what is under way
 * Shrinking   RecordWritten                Alone       NoteLife() Detach DisarmLag FreeOutput RunOn
 *             RecordRefused, RecordUnknown reading     ReadRecord, then WriteRecord anew
 *             LagPassed                    held        Hold
 *             StoreSilent                  silent      nothing, or if held and on_isolation = continue:
 *                                          Isolated    NoteStrayed Detach DisarmLag FreeOutput RunOn
 *   silent    Retry                        reading     ReadRecord
 * Isolated    Retry, RecordRead            same        ReadRecord, WriteRecord({self})
 * Isolated    RecordWritten                Alone       NoteStrayed(no) NoteLife()
 *
 * Protected   SwitchoverAsked, DemoteAsked Leaving     SendEpoch(k+1), then NoteLeaving WriteRecord(no primary, {self, peer}),
 *                                                      then KillGuest Detach ForgetLife Done. While another epoch is on its
 *                                                      way, nothing: what the guest does after it goes over with the next
 * others      DemoteAsked                  Leaving     KillGuest, then as if it had crashed
 * primary     GuestEnded, crashed          Leaving     NoteLeaving WriteRecord(no primary, the set as it is)
 * primary     GuestEnded, asked            Leaving     NoteLeaving VoidPeer WriteRecord(no primary, {self})
 * primary     RecordRead, another's        Out         KillGuest ForgetLife
 * primary     Reverted                     Alone       NoteLife() Detach DisarmLag FreeOutput RunOn
 * </pre>
 *
 * Events that are not in the table are rejected: dropped, counted, logged at debug level. A machine has at most one request to
 * the store under way, which always brings one answer.
 */
public sealed interface ReplicaState permits Out, Following, Candidacy, Leading, Leaving {

    /** A step of this machine that changes nothing. */
    private Step<ReplicaState, ReplicaEffect> rejected(Object event) {
        return Step.rejected(
                this, event + " does not fit the state " + getClass().getSimpleName());
    }

    default Step<ReplicaState, ReplicaEffect> onPromoteAsked(ReplicaEvent.PromoteAsked event) {
        return rejected(event);
    }

    default Step<ReplicaState, ReplicaEffect> onDemoteAsked(ReplicaEvent.DemoteAsked event) {
        return rejected(event);
    }

    default Step<ReplicaState, ReplicaEffect> onSwitchoverAsked(ReplicaEvent.SwitchoverAsked event) {
        return rejected(event);
    }

    default Step<ReplicaState, ReplicaEffect> onDiscardAsked(ReplicaEvent.DiscardAsked event) {
        return rejected(event);
    }

    default Step<ReplicaState, ReplicaEffect> onRetireAsked(ReplicaEvent.RetireAsked event) {
        return rejected(event);
    }

    default Step<ReplicaState, ReplicaEffect> onCopyRested(ReplicaEvent.CopyRested event) {
        return rejected(event);
    }

    default Step<ReplicaState, ReplicaEffect> onRecordRead(ReplicaEvent.RecordRead event) {
        return rejected(event);
    }

    default Step<ReplicaState, ReplicaEffect> onRecordAbsent(ReplicaEvent.RecordAbsent event) {
        return rejected(event);
    }

    default Step<ReplicaState, ReplicaEffect> onRecordWritten(ReplicaEvent.RecordWritten event) {
        return rejected(event);
    }

    default Step<ReplicaState, ReplicaEffect> onRecordRefused(ReplicaEvent.RecordRefused event) {
        return rejected(event);
    }

    default Step<ReplicaState, ReplicaEffect> onRecordUnknown(ReplicaEvent.RecordUnknown event) {
        return rejected(event);
    }

    default Step<ReplicaState, ReplicaEffect> onStoreSilent(ReplicaEvent.StoreSilent event) {
        return rejected(event);
    }

    default Step<ReplicaState, ReplicaEffect> onProofGiven(ReplicaEvent.ProofGiven event) {
        return rejected(event);
    }

    default Step<ReplicaState, ReplicaEffect> onGuestEnded(ReplicaEvent.GuestEnded event) {
        return rejected(event);
    }

    default Step<ReplicaState, ReplicaEffect> onBoundRenewed(ReplicaEvent.BoundRenewed event) {
        return rejected(event);
    }

    default Step<ReplicaState, ReplicaEffect> onRolledBack(ReplicaEvent.RolledBack event) {
        return rejected(event);
    }

    default Step<ReplicaState, ReplicaEffect> onFailOverFailed(ReplicaEvent.FailOverFailed event) {
        return rejected(event);
    }

    default Step<ReplicaState, ReplicaEffect> onLagPassed(ReplicaEvent.LagPassed event) {
        return rejected(event);
    }

    default Step<ReplicaState, ReplicaEffect> onEpochDue(ReplicaEvent.EpochDue event) {
        return rejected(event);
    }

    default Step<ReplicaState, ReplicaEffect> onReverted(ReplicaEvent.Reverted event) {
        return rejected(event);
    }

    default Step<ReplicaState, ReplicaEffect> onPeerOffered(ReplicaEvent.PeerOffered event) {
        return rejected(event);
    }

    default Step<ReplicaState, ReplicaEffect> onSeedReady(ReplicaEvent.SeedReady event) {
        return rejected(event);
    }

    default Step<ReplicaState, ReplicaEffect> onStandbyAt(ReplicaEvent.StandbyAt event) {
        return rejected(event);
    }

    default Step<ReplicaState, ReplicaEffect> onStandbyLost(ReplicaEvent.StandbyLost event) {
        return rejected(event);
    }

    default Step<ReplicaState, ReplicaEffect> onSeedBegun(ReplicaEvent.SeedBegun event) {
        return rejected(event);
    }

    default Step<ReplicaState, ReplicaEffect> onMemoryComplete(ReplicaEvent.MemoryComplete event) {
        return rejected(event);
    }

    default Step<ReplicaState, ReplicaEffect> onJournaled(ReplicaEvent.Journaled event) {
        return rejected(event);
    }

    default Step<ReplicaState, ReplicaEffect> onDisksCommitted(ReplicaEvent.DisksCommitted event) {
        return rejected(event);
    }

    default Step<ReplicaState, ReplicaEffect> onCommitFailed(ReplicaEvent.CommitFailed event) {
        return rejected(event);
    }

    default Step<ReplicaState, ReplicaEffect> onVoidHeard(ReplicaEvent.VoidHeard event) {
        return rejected(event);
    }

    default Step<ReplicaState, ReplicaEffect> onCopyNotMade(ReplicaEvent.CopyNotMade event) {
        return rejected(event);
    }

    default Step<ReplicaState, ReplicaEffect> onCopyLost(ReplicaEvent.CopyLost event) {
        return rejected(event);
    }

    default Step<ReplicaState, ReplicaEffect> onRecovered(ReplicaEvent.Recovered event) {
        return rejected(event);
    }

    default Step<ReplicaState, ReplicaEffect> onRetry(ReplicaEvent.Retry event) {
        return rejected(event);
    }

    /** The life of the primary that this node leads, if it does. */
    default Optional<Life> life() {
        return Optional.empty();
    }

    /**
     * Throws if this state contradicts itself. Called after every step.
     *
     * @throws IllegalStateException a bug; the node must not go on
     */
    default void checkInvariants() {}
}
