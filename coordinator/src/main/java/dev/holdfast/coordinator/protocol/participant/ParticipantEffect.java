package dev.holdfast.coordinator.protocol.participant;

import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.JournalEntry;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.Vote;
import java.time.Duration;

/**
 * What a participant asks for. Effects of one step are started in the order of the list. Those of the snapshotter and
 * the journal are answered by an event; those of the store and the channel are not, and may be lost.
 */
public sealed interface ParticipantEffect {

    /** Tells a visitor which effect this is. */
    void accept(Visitor visitor);

    /** Write to the journal and flush; answered by {@code Journaled}, {@code JournalFailed} or {@code EntryUnreadable}. */
    record WriteJournal(JournalEntry entry) implements ParticipantEffect {
        @Override
        public void accept(Visitor visitor) {
            visitor.writeJournal(this);
        }
    }

    /**
     * Remove the journal's entry of this round and flush. The decision has been carried out. Answered by
     * {@code JournalClosed} or {@code JournalFailed}.
     */
    record CloseJournal() implements ParticipantEffect {
        @Override
        public void accept(Visitor visitor) {
            visitor.closeJournal(this);
        }
    }

    /** Admit, check, create files, arm the guard. Answered by {@code Prepared} or {@code PhaseFailed}. */
    record Prepare(RoundSpec spec) implements ParticipantEffect {
        @Override
        public void accept(Visitor visitor) {
            visitor.prepare(this);
        }
    }

    /** Arm the guard anew, write the marker, stop. Answered by {@code VmsFrozen} or {@code PhaseFailed}. */
    record Freeze(RoundSpec spec) implements ParticipantEffect {
        @Override
        public void accept(Visitor visitor) {
            visitor.freeze(this);
        }
    }

    /** Cut the disks, and take what must be taken at a standstill. Answered by {@code Captured} or {@code PhaseFailed}. */
    record Capture() implements ParticipantEffect {
        @Override
        public void accept(Visitor visitor) {
            visitor.capture(this);
        }
    }

    /** Ask for the state and let run, in one write. Answered by {@code ThawAnswered} or {@code PhaseFailed}. */
    record ProveAndThaw() implements ParticipantEffect {
        @Override
        public void accept(Visitor visitor) {
            visitor.proveAndThaw(this);
        }
    }

    /** Let everything run that this round has stopped, whatever its state. Comes first in every failure path. Not answered. */
    record ThawNow() implements ParticipantEffect {
        @Override
        public void accept(Visitor visitor) {
            visitor.thawNow(this);
        }
    }

    /** Wait for memory to reach the disk, flush and hash. Answered by {@code Drained} or {@code PhaseFailed}. */
    record Drain() implements ParticipantEffect {
        @Override
        public void accept(Visitor visitor) {
            visitor.drain(this);
        }
    }

    /** Revert: load the old state beside the held machine. Answered by {@code Loaded} or {@code PhaseFailed}. */
    record LoadBeside() implements ParticipantEffect {
        @Override
        public void accept(Visitor visitor) {
            visitor.loadBeside(this);
        }
    }

    /** Revert: take the deadline off the held machines. Answered by {@code GuardReleased} or {@code PhaseFailed}. */
    record ReleaseGuard(RoundSpec spec) implements ParticipantEffect {
        @Override
        public void accept(Visitor visitor) {
            visitor.releaseGuard(this);
        }
    }

    /**
     * Make the decision true on this node: keep and publish, or take the name from what was made; for a revert run one
     * side. Idempotent, also after a restart. Answered by {@code CarriedOut} or {@code PhaseFailed}.
     *
     * @param spec the round
     * @param decision what to make true
     */
    record CarryOut(RoundSpec spec, Decision decision) implements ParticipantEffect {
        @Override
        public void accept(Visitor visitor) {
            visitor.carryOut(this);
        }
    }

    /**
     * The round has no record any more: if nothing on this node's disks waits for its decision, let go of its machines as they are.
     * Answered by {@code NothingWaits} or {@code PhaseFailed}.
     *
     * @param spec the round
     */
    record Forget(RoundSpec spec) implements ParticipantEffect {
        @Override
        public void accept(Visitor visitor) {
            visitor.forget(this);
        }
    }

    /** Say READY in the store. Idempotent. */
    record SayReady() implements ParticipantEffect {
        @Override
        public void accept(Visitor visitor) {
            visitor.sayReady(this);
        }
    }

    /** Cast the final vote in the store. Write-once: a second write changes nothing. */
    record CastVote(Vote vote) implements ParticipantEffect {
        @Override
        public void accept(Visitor visitor) {
            visitor.castVote(this);
        }
    }

    /** Tell the leader through the store that the decision was carried out. Idempotent. */
    record Acknowledge() implements ParticipantEffect {
        @Override
        public void accept(Visitor visitor) {
            visitor.acknowledge(this);
        }
    }

    /** Multicast FROZEN to all members. */
    record TellFrozen() implements ParticipantEffect {
        @Override
        public void accept(Visitor visitor) {
            visitor.tellFrozen(this);
        }
    }

    /** Multicast VOID to all members. */
    record TellVoid(Refusal because) implements ParticipantEffect {
        @Override
        public void accept(Visitor visitor) {
            visitor.tellVoid(this);
        }
    }

    /** Start, or start anew, a timer of this round. Answered by {@code TimerPassed} unless the round is over by then. */
    record StartTimer(Timer timer, Duration after) implements ParticipantEffect {
        @Override
        public void accept(Visitor visitor) {
            visitor.startTimer(this);
        }
    }

    /** The timers of a participant. */
    enum Timer {
        /** Bound for everything before the freeze, READY without FREEZE included. */
        PREPARE,
        /** Bound of the freeze. */
        DEADLINE,
        /** Time to try again what failed while carrying out. */
        RETRY
    }

    /** Whoever carries effects out; a new effect breaks every visitor at compile time. */
    interface Visitor {
        void writeJournal(WriteJournal effect);

        void closeJournal(CloseJournal effect);

        void prepare(Prepare effect);

        void freeze(Freeze effect);

        void capture(Capture effect);

        void proveAndThaw(ProveAndThaw effect);

        void thawNow(ThawNow effect);

        void drain(Drain effect);

        void loadBeside(LoadBeside effect);

        void releaseGuard(ReleaseGuard effect);

        void carryOut(CarryOut effect);

        void forget(Forget effect);

        void sayReady(SayReady effect);

        void castVote(CastVote effect);

        void acknowledge(Acknowledge effect);

        void tellFrozen(TellFrozen effect);

        void tellVoid(TellVoid effect);

        void startTimer(StartTimer effect);
    }
}
