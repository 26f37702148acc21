package dev.holdfast.coordinator.protocol.participant;

import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.Captured;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.CarriedOut;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.DecisionRead;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.Drained;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.EntryUnreadable;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.FreezeHeard;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.FrozenHeard;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.GiveUp;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.GuardReleased;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.JournalClosed;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.JournalFailed;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.Journaled;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.Loaded;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.NothingWaits;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.PhaseFailed;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.Prepared;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.RecordGone;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.Recovered;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.RoundOpened;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.StoreBack;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.ThawAnswered;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.TimerPassed;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.VmsFrozen;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.VoidHeard;
import java.util.Optional;

/**
 * One node's part of one round. Immutable; a new state comes out of each event.
 *
 * <pre>
 * state       event                       next        effects, in order
 * Idle        RoundOpened                 Intending   WriteJournal(INTENT)
 * Idle        Recovered(INTENT)           GivenUp     ThawNow TellVoid CastVote(NO) CarryOut(ABORTED)
 * Idle        Recovered(VOTED)            Voted       CastVote(DURABLE)           (revert: Releasing, ReleaseGuard)
 * Idle        DecisionRead                Finishing   CarryOut(decision): what is on the disks is all that is known
 * Intending   Journaled                   Preparing   StartTimer(PREPARE) Prepare
 * Intending   DecisionRead(COMMITTED)     Finishing   CarryOut(COMMITTED): an earlier life had voted
 * Intending   EntryUnreadable             Voted       CastVote(NO); nothing is undone before the decision is read
 * Preparing   Prepared                    Ready       SayReady
 * Ready       FreezeHeard, FrozenHeard    Freezing    StartTimer(DEADLINE) Freeze
 * Freezing    VmsFrozen                   Still       TellFrozen Capture          (revert: TellFrozen)
 * Still       last of FrozenHeard and Captured        Thawing, ProveAndThaw       (revert: Loading, LoadBeside)
 * Thawing     ThawAnswered, proven        Draining    Drain
 * Draining    Drained                     Binding     WriteJournal(VOTED)
 * Loading     Loaded                      Binding     WriteJournal(VOTED)
 * Binding     Journaled                   Voted       CastVote(DURABLE)           (revert: Releasing, ReleaseGuard)
 * Binding     JournalFailed               Voted       CastVote(NO); nothing is undone before the decision is read
 * Releasing   GuardReleased               Voted       CastVote(DURABLE), or CastVote(NO) if the guard had fired
 * Voted       DecisionRead                Finishing   CarryOut(decision)
 * Voted       RecordGone, committed       Finishing   CarryOut(COMMITTED)
 * Voted       RecordGone                  Voted       Forget
 * Voted       NothingWaits                Closing     CloseJournal
 * Finishing   CarriedOut                  Closing     CloseJournal
 * GivenUp     CarriedOut and (DecisionRead(ABORTED) or RecordGone)    Closing, CloseJournal
 * GivenUp     VmsFrozen                   GivenUp     ThawNow
 * Closing     JournalClosed               Over        Acknowledge
 *
 * From Intending to Draining and Loading ("unbound"):
 *   PhaseFailed, VoidHeard, GiveUp, TimerPassed, JournalFailed, ThawAnswered not proven, DecisionRead(ABORTED)
 *                                         GivenUp     ThawNow TellVoid CastVote(NO) CarryOut(ABORTED)
 * From Binding on, none of these: once VOTED may be on the disk, the member never gives up alone.
 * Finishing, GivenUp: PhaseFailed         same        StartTimer(RETRY); then CarryOut again
 * Closing: JournalFailed                  same        StartTimer(RETRY); then CloseJournal again
 * Ready, GivenUp, Voted, Over: StoreBack  same        what was last written to the store, again
 * </pre>
 *
 * Events that are not in the table are rejected: dropped, counted, logged at debug level.
 */
public sealed interface ParticipantState
        permits Idle, Unbound, Binding, Releasing, Voted, Finishing, GivenUp, Closing, Over {

    /** A step of this machine that changes nothing. */
    private Step<ParticipantState, ParticipantEffect> rejected(Object event) {
        return Step.rejected(
                this, event + " does not fit the state " + this.getClass().getSimpleName());
    }

    default Step<ParticipantState, ParticipantEffect> onRoundOpened(RoundOpened event) {
        return rejected(event);
    }

    default Step<ParticipantState, ParticipantEffect> onRecovered(Recovered event) {
        return rejected(event);
    }

    default Step<ParticipantState, ParticipantEffect> onJournaled(Journaled event) {
        return rejected(event);
    }

    default Step<ParticipantState, ParticipantEffect> onJournalFailed(JournalFailed event) {
        return rejected(event);
    }

    default Step<ParticipantState, ParticipantEffect> onEntryUnreadable(EntryUnreadable event) {
        return rejected(event);
    }

    default Step<ParticipantState, ParticipantEffect> onJournalClosed(JournalClosed event) {
        return rejected(event);
    }

    default Step<ParticipantState, ParticipantEffect> onPrepared(Prepared event) {
        return rejected(event);
    }

    default Step<ParticipantState, ParticipantEffect> onPhaseFailed(PhaseFailed event) {
        return rejected(event);
    }

    default Step<ParticipantState, ParticipantEffect> onFreezeHeard(FreezeHeard event) {
        return rejected(event);
    }

    default Step<ParticipantState, ParticipantEffect> onFrozenHeard(FrozenHeard event) {
        return rejected(event);
    }

    default Step<ParticipantState, ParticipantEffect> onVoidHeard(VoidHeard event) {
        return rejected(event);
    }

    default Step<ParticipantState, ParticipantEffect> onVmsFrozen(VmsFrozen event) {
        return rejected(event);
    }

    default Step<ParticipantState, ParticipantEffect> onCaptured(Captured event) {
        return rejected(event);
    }

    default Step<ParticipantState, ParticipantEffect> onThawAnswered(ThawAnswered event) {
        return rejected(event);
    }

    default Step<ParticipantState, ParticipantEffect> onDrained(Drained event) {
        return rejected(event);
    }

    default Step<ParticipantState, ParticipantEffect> onLoaded(Loaded event) {
        return rejected(event);
    }

    default Step<ParticipantState, ParticipantEffect> onGuardReleased(GuardReleased event) {
        return rejected(event);
    }

    default Step<ParticipantState, ParticipantEffect> onDecisionRead(DecisionRead event) {
        return rejected(event);
    }

    default Step<ParticipantState, ParticipantEffect> onRecordGone(RecordGone event) {
        return rejected(event);
    }

    default Step<ParticipantState, ParticipantEffect> onNothingWaits(NothingWaits event) {
        return rejected(event);
    }

    default Step<ParticipantState, ParticipantEffect> onCarriedOut(CarriedOut event) {
        return rejected(event);
    }

    default Step<ParticipantState, ParticipantEffect> onTimerPassed(TimerPassed event) {
        return rejected(event);
    }

    default Step<ParticipantState, ParticipantEffect> onGiveUp(GiveUp event) {
        return rejected(event);
    }

    default Step<ParticipantState, ParticipantEffect> onStoreBack(StoreBack event) {
        return rejected(event);
    }

    /** Whether only the round's end, as the store tells it, lets this member go on. */
    default boolean waitsForTheEnd() {
        return false;
    }

    /** The decision that was read and is being made true: what is on the disks may not show it yet. */
    default Optional<Decision> makesTrue() {
        return Optional.empty();
    }

    /** Whether the guests have not been stopped yet. */
    default boolean isBeforeFreeze() {
        return false;
    }

    /**
     * Throws if this state contradicts itself. Called after every step.
     *
     * @throws IllegalStateException a bug; the node must not go on
     */
    void checkInvariants();
}
