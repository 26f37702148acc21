package dev.holdfast.coordinator.protocol.participant;

import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.protocol.Vote;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.CarryOut;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.CastVote;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.TellVoid;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.ThawNow;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.Timer;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.DecisionRead;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.GiveUp;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.JournalFailed;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.PhaseFailed;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.TimerPassed;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.VoidHeard;
import java.util.ArrayList;
import java.util.List;

/** A state in which the member has not bound itself: it may give up alone, and does so for every reason. */
public sealed interface Unbound extends ParticipantState
        permits Intending, Preparing, Ready, Freezing, Still, Thawing, Draining, Loading {

    /** This node's place in the round. */
    Membership membership();

    /** What the node does in this state, as the end of a sentence that begins with the node. */
    String activity();

    /** The timer whose end makes the member give up in this state; null where none does. */
    default boolean bounds(Timer timer) {
        return false;
    }

    /** The first line of every failure path is the thaw. */
    default Step<ParticipantState, ParticipantEffect> giveUp(Refusal because, boolean tellOthers) {
        List<ParticipantEffect> effects = new ArrayList<>();
        effects.add(new ThawNow());
        if (tellOthers) {
            effects.add(new TellVoid(because));
        }
        effects.add(new CastVote(new Vote.No(because)));
        effects.add(new CarryOut(membership().spec(), Decision.ABORTED));
        return Step.to(new GivenUp(membership(), because, false, false), effects);
    }

    @Override
    default Step<ParticipantState, ParticipantEffect> onPhaseFailed(PhaseFailed event) {
        return giveUp(event.because(), true);
    }

    @Override
    default Step<ParticipantState, ParticipantEffect> onJournalFailed(JournalFailed event) {
        return giveUp(Refusal.failed(event.because()), true);
    }

    @Override
    default Step<ParticipantState, ParticipantEffect> onVoidHeard(VoidHeard event) {
        Refusal because = event.because();
        return giveUp(new Refusal(because.kind(), "node " + event.member() + " gave up: " + because.text()), false);
    }

    @Override
    default Step<ParticipantState, ParticipantEffect> onGiveUp(GiveUp event) {
        return giveUp(event.because(), true);
    }

    @Override
    default Step<ParticipantState, ParticipantEffect> onTimerPassed(TimerPassed event) {
        if (!bounds(event.timer())) {
            return Step.rejected(this, event + " is late in " + getClass().getSimpleName());
        }
        return giveUp(
                Refusal.timedOut("%s was over while node %s %s; %s"
                        .formatted(
                                membership().bound(event.timer()),
                                membership().self(),
                                activity(),
                                advice(event.timer()))),
                true);
    }

    /** What to raise when a bound was too short. */
    private String advice(Timer timer) {
        return switch (timer) {
            case PREPARE -> "prepare_timeout in [checkpoint] allows more";
            case DEADLINE ->
                membership().isRevert()
                        ? "--deadline, or revert_deadline in [checkpoint], allows more"
                        : "--deadline, or deadline in [checkpoint], allows more";
            case RETRY -> "try again";
        };
    }

    @Override
    default Step<ParticipantState, ParticipantEffect> onDecisionRead(DecisionRead event) {
        if (event.decision() == Decision.COMMITTED) {
            throw new IllegalStateException(
                    "round " + membership().spec().id() + " is committed, but this member has not voted");
        }
        Step<ParticipantState, ParticipantEffect> step = giveUp(Refusal.failed("the round was aborted"), false);
        return Step.to(((GivenUp) step.next()).decided(), step.effects());
    }
}
