package dev.holdfast.coordinator.protocol.leader;

import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.MemberReport;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundSpec;
import java.time.Duration;
import java.util.List;

/** What the leader asks for. Effects of one step are started in the order of the list. */
public sealed interface LeaderEffect {

    /** Tells a visitor which effect this is. */
    void accept(Visitor visitor);

    /**
     * Create round, claims and name in one write that checks the epoch. Answered by {@code Opened}, {@code OpenRefused} or
     * {@code OutcomeUnknown}.
     */
    record Open(RoundSpec spec) implements LeaderEffect {
        @Override
        public void accept(Visitor visitor) {
            visitor.open(this);
        }
    }

    /** Multicast FREEZE to the members. */
    record TellFreeze(RoundSpec spec) implements LeaderEffect {
        @Override
        public void accept(Visitor visitor) {
            visitor.tellFreeze(this);
        }
    }

    /**
     * Write the decision in one write that checks the epoch and names the record's version; with COMMITTED the checkpoint
     * record is created in the same write. Answered by {@code DecisionWritten}, {@code RecordIs}, {@code OutcomeUnknown} or
     * {@code Deposed}.
     *
     * @param spec the round
     * @param decision what to write
     * @param version expected version of the record: the authority for the decision being the only one
     * @param reports what the members contributed; empty for ABORTED
     * @param because why, for ABORTED
     */
    record WriteDecision(RoundSpec spec, Decision decision, int version, List<MemberReport> reports, Refusal because)
            implements LeaderEffect {
        public WriteDecision {
            reports = List.copyOf(reports);
        }

        @Override
        public void accept(Visitor visitor) {
            visitor.writeDecision(this);
        }
    }

    /**
     * Find out what became of a write: read the record, and if it is still open, write it unchanged naming the version that
     * was read. After that no write in flight that names an older version can land. Answered by {@code RecordIs},
     * {@code OutcomeUnknown}, {@code OpenRefused} (there is no such round) or {@code Deposed}.
     */
    record Touch(RoundId round) implements LeaderEffect {
        @Override
        public void accept(Visitor visitor) {
            visitor.touch(this);
        }
    }

    /** Remove the decided round and its claims. Idempotent, not answered; a new leader repeats it. */
    record Close(RoundSpec spec) implements LeaderEffect {
        @Override
        public void accept(Visitor visitor) {
            visitor.close(this);
        }
    }

    /**
     * Tell whoever asked for the round how it ended.
     *
     * @param outcome what was decided
     */
    record Reply(Outcome outcome) implements LeaderEffect {
        @Override
        public void accept(Visitor visitor) {
            visitor.reply(this);
        }
    }

    /** Start, or start anew, a timer of this round. */
    record StartTimer(Timer timer, Duration after) implements LeaderEffect {
        @Override
        public void accept(Visitor visitor) {
            visitor.startTimer(this);
        }
    }

    /** The timers of the leader. */
    enum Timer {
        /** Bound until all are ready. */
        PREPARE,
        /** Bound until all have voted. */
        DRAIN,
        /** Time to ask again what became of a write. */
        RETRY
    }

    /** Whoever carries effects out; a new effect breaks every visitor at compile time. */
    interface Visitor {
        void open(Open effect);

        void tellFreeze(TellFreeze effect);

        void writeDecision(WriteDecision effect);

        void touch(Touch effect);

        void close(Close effect);

        void reply(Reply effect);

        void startTimer(StartTimer effect);
    }
}
