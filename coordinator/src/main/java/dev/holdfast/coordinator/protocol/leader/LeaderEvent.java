package dev.holdfast.coordinator.protocol.leader;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundState;
import dev.holdfast.coordinator.protocol.RoundView;
import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.protocol.Vote;
import dev.holdfast.coordinator.protocol.leader.LeaderEffect.Timer;

/** What can happen to the leader's half of one round. */
public sealed interface LeaderEvent {

    /** Hands the event to the method of the state that answers it. */
    Step<LeaderState, LeaderEffect> applyTo(LeaderState state);

    /**
     * The round, its claims and its name were created in one write.
     *
     * @param version version of the round's record
     */
    record Opened(int version) implements LeaderEvent {
        @Override
        public Step<LeaderState, LeaderEffect> applyTo(LeaderState state) {
            return state.onOpened(this);
        }
    }

    /** Nothing was created. */
    record OpenRefused(Refusal because) implements LeaderEvent {
        @Override
        public Step<LeaderState, LeaderEffect> applyTo(LeaderState state) {
            return state.onOpenRefused(this);
        }
    }

    /** A member says it is ready. */
    record ReadySeen(Name member) implements LeaderEvent {
        @Override
        public Step<LeaderState, LeaderEffect> applyTo(LeaderState state) {
            return state.onReadySeen(this);
        }
    }

    /** A member's final vote is in the store. */
    record VoteSeen(Name member, Vote vote) implements LeaderEvent {
        @Override
        public Step<LeaderState, LeaderEffect> applyTo(LeaderState state) {
            return state.onVoteSeen(this);
        }
    }

    /** A member has carried the decision out, or a person has declared it lost. */
    record AcknowledgementSeen(Name member) implements LeaderEvent {
        @Override
        public Step<LeaderState, LeaderEffect> applyTo(LeaderState state) {
            return state.onAcknowledgementSeen(this);
        }
    }

    /** A new leader found this round in the store. */
    record Found(RoundView view) implements LeaderEvent {
        @Override
        public Step<LeaderState, LeaderEffect> applyTo(LeaderState state) {
            return state.onFound(this);
        }
    }

    /** The decision that was sent is in the store. */
    record DecisionWritten() implements LeaderEvent {
        @Override
        public Step<LeaderState, LeaderEffect> applyTo(LeaderState state) {
            return state.onDecisionWritten(this);
        }
    }

    /**
     * The record has the version that was named, but what goes with a commitment cannot be written: the checkpoint's name
     * is taken, or the group is gone. Nothing was written.
     *
     * @param version version of the record; no commitment that was sent before can land any more, as each named this version
     *     or a lower one
     * @param because why
     */
    record CommitRefused(int version, Refusal because) implements LeaderEvent {
        @Override
        public Step<LeaderState, LeaderEffect> applyTo(LeaderState state) {
            return state.onCommitRefused(this);
        }
    }

    /**
     * The record was written or read; this is what it says now. Answers a write that was refused because of its version,
     * and every {@code Touch} that succeeded.
     *
     * @param state what the record says
     * @param version its version; a write that named a lower one can no longer succeed
     */
    record RecordIs(RoundState state, int version) implements LeaderEvent {
        @Override
        public Step<LeaderState, LeaderEffect> applyTo(LeaderState state) {
            return state.onRecordIs(this);
        }
    }

    /** The connection was lost during a write: it may land, now or later. */
    record OutcomeUnknown() implements LeaderEvent {
        @Override
        public Step<LeaderState, LeaderEffect> applyTo(LeaderState state) {
            return state.onOutcomeUnknown(this);
        }
    }

    /** Another reign has begun, or the connection to the store is in doubt: this leader may do nothing more. */
    record Deposed() implements LeaderEvent {
        @Override
        public Step<LeaderState, LeaderEffect> applyTo(LeaderState state) {
            return state.onDeposed(this);
        }
    }

    /** A timer that this machine started has run out. */
    record TimerPassed(Timer timer) implements LeaderEvent {
        @Override
        public Step<LeaderState, LeaderEffect> applyTo(LeaderState state) {
            return state.onTimerPassed(this);
        }
    }

    /** A person asks for the end of the round, or a member's node is known to be gone. */
    record AbortRequested(Refusal because) implements LeaderEvent {
        @Override
        public Step<LeaderState, LeaderEffect> applyTo(LeaderState state) {
            return state.onAbortRequested(this);
        }
    }
}
