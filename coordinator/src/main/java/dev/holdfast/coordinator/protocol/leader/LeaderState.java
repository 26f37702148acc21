package dev.holdfast.coordinator.protocol.leader;

import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent.AbortRequested;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent.AcknowledgementSeen;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent.CommitRefused;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent.DecisionWritten;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent.Deposed;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent.Found;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent.OpenRefused;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent.Opened;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent.OutcomeUnknown;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent.ReadySeen;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent.RecordIs;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent.TimerPassed;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent.VoteSeen;

/**
 * The leader's half of one round. Immutable; a new state comes out of each event. The leader's memory holds no truth: a
 * new leader continues from the store's record alone.
 *
 * <pre>
 * state      event                          next       effects, in order
 * Unopened   (begin)                        Opening    Open
 * Unopened   Found(open, all DURABLE)       Deciding   WriteDecision(COMMITTED)
 * Unopened   Found(open, otherwise)         Deciding   WriteDecision(ABORTED)
 * Unopened   Found(decided)                 Decided    Reply; Close, if all have acknowledged
 * Opening    Opened                         Gathering  StartTimer(PREPARE)
 * Opening    OpenRefused                    Closed     Reply(ABORTED)
 * Opening    OutcomeUnknown                 Opening    StartTimer(RETRY); then Touch
 * Opening    RecordIs(open)                 Gathering  StartTimer(PREPARE)
 * Opening    RecordIs(decided)              Decided    Reply
 * Gathering  last ReadySeen                 Gathering  TellFreeze StartTimer(DRAIN)
 * Gathering  last VoteSeen(DURABLE)         Deciding   WriteDecision(COMMITTED)
 * Gathering  VoteSeen(NO), AbortRequested, TimerPassed
 *                                           Deciding   WriteDecision(ABORTED)
 * Deciding   DecisionWritten                Decided    Reply
 * Deciding   OutcomeUnknown                 Deciding   StartTimer(RETRY); then Touch
 * Deciding   RecordIs(open, version)        Deciding   WriteDecision(the same, version)
 * Deciding   RecordIs(decided)              Decided    Reply(what the record says)
 * Deciding   CommitRefused(version)         Deciding   WriteDecision(ABORTED, version), if COMMITTED was sent
 * Deciding   OpenRefused                    Closed     Reply(UNKNOWN): another leader decided and closed it
 * Decided    last AcknowledgementSeen       Closed     Close
 * any        Deposed                        Closed     Reply(UNKNOWN), unless replied
 * </pre>
 *
 * Events that are not in the table are rejected: dropped, counted, logged at debug level.
 */
public sealed interface LeaderState permits Unopened, Opening, Gathering, Deciding, Decided, Closed {

    private Step<LeaderState, LeaderEffect> rejected(Object event) {
        return Step.rejected(
                this, event + " does not fit the state " + this.getClass().getSimpleName());
    }

    default Step<LeaderState, LeaderEffect> onOpened(Opened event) {
        return rejected(event);
    }

    default Step<LeaderState, LeaderEffect> onOpenRefused(OpenRefused event) {
        return rejected(event);
    }

    default Step<LeaderState, LeaderEffect> onReadySeen(ReadySeen event) {
        return rejected(event);
    }

    default Step<LeaderState, LeaderEffect> onVoteSeen(VoteSeen event) {
        return rejected(event);
    }

    default Step<LeaderState, LeaderEffect> onAcknowledgementSeen(AcknowledgementSeen event) {
        return rejected(event);
    }

    default Step<LeaderState, LeaderEffect> onFound(Found event) {
        return rejected(event);
    }

    default Step<LeaderState, LeaderEffect> onDecisionWritten(DecisionWritten event) {
        return rejected(event);
    }

    default Step<LeaderState, LeaderEffect> onCommitRefused(CommitRefused event) {
        return rejected(event);
    }

    default Step<LeaderState, LeaderEffect> onRecordIs(RecordIs event) {
        return rejected(event);
    }

    default Step<LeaderState, LeaderEffect> onOutcomeUnknown(OutcomeUnknown event) {
        return rejected(event);
    }

    default Step<LeaderState, LeaderEffect> onDeposed(Deposed event) {
        return rejected(event);
    }

    default Step<LeaderState, LeaderEffect> onTimerPassed(TimerPassed event) {
        return rejected(event);
    }

    default Step<LeaderState, LeaderEffect> onAbortRequested(AbortRequested event) {
        return rejected(event);
    }

    /**
     * Throws if this state contradicts itself. Called after every step.
     *
     * @throws IllegalStateException a bug; the node must not go on
     */
    void checkInvariants();
}
