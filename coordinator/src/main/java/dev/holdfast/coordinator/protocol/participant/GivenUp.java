package dev.holdfast.coordinator.protocol.participant;

import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.protocol.Vote;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.CarryOut;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.CastVote;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.StartTimer;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.ThawNow;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.Timer;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.CarriedOut;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.DecisionRead;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.PhaseFailed;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.RecordGone;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.StoreBack;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.TimerPassed;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.VmsFrozen;

/**
 * The member gave up before it was bound; its machines run. The journal keeps the intent until ABORTED was read, so that
 * a restart votes NO again instead of beginning anew.
 *
 * @param because why
 * @param undone what was made for the round no longer counts on this node
 * @param aborted ABORTED was read, or the record is gone: nobody can commit the round any more
 */
public record GivenUp(Membership membership, Refusal because, boolean undone, boolean aborted)
        implements ParticipantState {

    GivenUp decided() {
        return new GivenUp(membership, because, undone, true);
    }

    @Override
    public Step<ParticipantState, ParticipantEffect> onCarriedOut(CarriedOut event) {
        return endIfComplete(new GivenUp(membership, because, true, aborted));
    }

    @Override
    public Step<ParticipantState, ParticipantEffect> onDecisionRead(DecisionRead event) {
        if (event.decision() == Decision.COMMITTED) {
            throw new IllegalStateException(
                    "round " + membership.spec().id() + " is committed, but this member gave up: " + because);
        }
        return endIfComplete(decided());
    }

    /**
     * Nobody can commit what has no record. If the catalogue has the checkpoint all the same, this member had voted since: the entry
     * that made it give up is an old one that somebody put back, and what was carried out then found nothing to undo.
     */
    @Override
    public Step<ParticipantState, ParticipantEffect> onRecordGone(RecordGone event) {
        return endIfComplete(decided());
    }

    private static Step<ParticipantState, ParticipantEffect> endIfComplete(GivenUp state) {
        if (state.undone && state.aborted) {
            return Closing.begin(state.membership);
        }
        return Step.to(state);
    }

    /** The freeze was already under way when the thaw was ordered, and may have come after it. */
    @Override
    public Step<ParticipantState, ParticipantEffect> onVmsFrozen(VmsFrozen event) {
        return Step.to(this, new ThawNow());
    }

    @Override
    public Step<ParticipantState, ParticipantEffect> onPhaseFailed(PhaseFailed event) {
        if (undone) {
            return Step.rejected(this, event + " belongs to a phase that was given up");
        }
        return Step.to(this, new StartTimer(Timer.RETRY, Finishing.RETRY_AFTER));
    }

    @Override
    public Step<ParticipantState, ParticipantEffect> onTimerPassed(TimerPassed event) {
        if (event.timer() != Timer.RETRY || undone) {
            return Step.rejected(this, event + " is late in GivenUp");
        }
        return Step.to(this, new CarryOut(membership.spec(), Decision.ABORTED));
    }

    @Override
    public Step<ParticipantState, ParticipantEffect> onStoreBack(StoreBack event) {
        return Step.to(this, new CastVote(new Vote.No(because)));
    }

    @Override
    public boolean waitsForTheEnd() {
        return true;
    }

    @Override
    public void checkInvariants() {
        if (undone && aborted) {
            throw new IllegalStateException("nothing is left to do, but the round is not over");
        }
    }
}
