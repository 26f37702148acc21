package dev.holdfast.coordinator.protocol.participant;

import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.JournalEntry;
import dev.holdfast.coordinator.protocol.MemberReport;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.protocol.ThawFacts;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.Timer;

/** What can happen to a participant in one round. */
public sealed interface ParticipantEvent {

    /** Hands the event to the method of the state that answers it. */
    Step<ParticipantState, ParticipantEffect> applyTo(ParticipantState state);

    /** The store shows an open round with this node among its members. */
    record RoundOpened(RoundSpec spec) implements ParticipantEvent {
        @Override
        public Step<ParticipantState, ParticipantEffect> applyTo(ParticipantState state) {
            return state.onRoundOpened(this);
        }
    }

    /** The agent started and found this in its journal; everything volatile is gone. */
    record Recovered(JournalEntry entry) implements ParticipantEvent {
        @Override
        public Step<ParticipantState, ParticipantEffect> applyTo(ParticipantState state) {
            return state.onRecovered(this);
        }
    }

    /** The last journal write is on stable storage. */
    record Journaled() implements ParticipantEvent {
        @Override
        public Step<ParticipantState, ParticipantEffect> applyTo(ParticipantState state) {
            return state.onJournaled(this);
        }
    }

    /** The round's entry is gone from the journal, on stable storage, and cannot come back. */
    record JournalClosed() implements ParticipantEvent {
        @Override
        public Step<ParticipantState, ParticipantEffect> applyTo(ParticipantState state) {
            return state.onJournalClosed(this);
        }
    }

    /** The last journal write or removal failed; whether it reached the disk is unknown. */
    record JournalFailed(String because) implements ParticipantEvent {
        @Override
        public Step<ParticipantState, ParticipantEffect> applyTo(ParticipantState state) {
            return state.onJournalFailed(this);
        }
    }

    /**
     * The journal has an entry of this round already, and nobody can read it: this node may be bound by an earlier life. Nothing
     * was written.
     */
    record EntryUnreadable(String because) implements ParticipantEvent {
        @Override
        public Step<ParticipantState, ParticipantEffect> applyTo(ParticipantState state) {
            return state.onEntryUnreadable(this);
        }
    }

    /** Overlays and memory files are there, images are flushed, the guard has acknowledged. */
    record Prepared() implements ParticipantEvent {
        @Override
        public Step<ParticipantState, ParticipantEffect> applyTo(ParticipantState state) {
            return state.onPrepared(this);
        }
    }

    /** A phase of the snapshotter failed, whichever was under way. */
    record PhaseFailed(Refusal because) implements ParticipantEvent {
        @Override
        public Step<ParticipantState, ParticipantEffect> applyTo(ParticipantState state) {
            return state.onPhaseFailed(this);
        }
    }

    /** The leader's FREEZE for this round with the epoch of its opening. */
    record FreezeHeard() implements ParticipantEvent {
        @Override
        public Step<ParticipantState, ParticipantEffect> applyTo(ParticipantState state) {
            return state.onFreezeHeard(this);
        }
    }

    /** A member's FROZEN for this round with the epoch of its opening. */
    record FrozenHeard(Name member) implements ParticipantEvent {
        @Override
        public Step<ParticipantState, ParticipantEffect> applyTo(ParticipantState state) {
            return state.onFrozenHeard(this);
        }
    }

    /** A member gave up, or the group channel lost it. */
    record VoidHeard(Name member, Refusal because) implements ParticipantEvent {
        @Override
        public Step<ParticipantState, ParticipantEffect> applyTo(ParticipantState state) {
            return state.onVoidHeard(this);
        }
    }

    /** All machines of this node stand still and nothing can alter what will be captured. */
    record VmsFrozen() implements ParticipantEvent {
        @Override
        public Step<ParticipantState, ParticipantEffect> applyTo(ParticipantState state) {
            return state.onVmsFrozen(this);
        }
    }

    /** The disks were cut, and what else must be taken while the machine stands still. */
    record Captured() implements ParticipantEvent {
        @Override
        public Step<ParticipantState, ParticipantEffect> applyTo(ParticipantState state) {
            return state.onCaptured(this);
        }
    }

    /** The machines were told to run, with what the hypervisor said in the same breath. */
    record ThawAnswered(ThawFacts facts) implements ParticipantEvent {
        @Override
        public Step<ParticipantState, ParticipantEffect> applyTo(ParticipantState state) {
            return state.onThawAnswered(this);
        }
    }

    /** Checkpoint: every part is on stable storage and hashed. */
    record Drained(MemberReport report) implements ParticipantEvent {
        @Override
        public Step<ParticipantState, ParticipantEffect> applyTo(ParticipantState state) {
            return state.onDrained(this);
        }
    }

    /** Revert: the old state is loaded in a new, stopped machine beside the held one. */
    record Loaded(MemberReport report) implements ParticipantEvent {
        @Override
        public Step<ParticipantState, ParticipantEffect> applyTo(ParticipantState state) {
            return state.onLoaded(this);
        }
    }

    /**
     * Revert: the guard no longer has a deadline on the held machines.
     *
     * @param fired the guard had thawed before it heard
     */
    record GuardReleased(boolean fired) implements ParticipantEvent {
        @Override
        public Step<ParticipantState, ParticipantEffect> applyTo(ParticipantState state) {
            return state.onGuardReleased(this);
        }
    }

    /** The round's record was <em>read</em> and says so. A missing record is {@link RecordGone}. */
    record DecisionRead(RoundSpec spec, Decision decision) implements ParticipantEvent {
        @Override
        public Step<ParticipantState, ParticipantEffect> applyTo(ParticipantState state) {
            return state.onDecisionRead(this);
        }
    }

    /**
     * The store that this node knows was asked anew and has no record of the round, although this node had read one: the round is over,
     * or somebody took the record away. It does not come back.
     *
     * @param committed its catalogue has the checkpoint that this round made
     */
    record RecordGone(boolean committed) implements ParticipantEvent {
        @Override
        public Step<ParticipantState, ParticipantEffect> applyTo(ParticipantState state) {
            return state.onRecordGone(this);
        }
    }

    /** Nothing on this node's disks waits for the decision: it was made true, or there is nothing to make true. */
    record NothingWaits() implements ParticipantEvent {
        @Override
        public Step<ParticipantState, ParticipantEffect> applyTo(ParticipantState state) {
            return state.onNothingWaits(this);
        }
    }

    /** The decision, or the giving up, was carried out on this node. */
    record CarriedOut() implements ParticipantEvent {
        @Override
        public Step<ParticipantState, ParticipantEffect> applyTo(ParticipantState state) {
            return state.onCarriedOut(this);
        }
    }

    /** A timer that this machine started has run out. */
    record TimerPassed(Timer timer) implements ParticipantEvent {
        @Override
        public Step<ParticipantState, ParticipantEffect> applyTo(ParticipantState state) {
            return state.onTimerPassed(this);
        }
    }

    /** Pacemaker or a person wants a member back: to stop it, to move it, or because the round was aborted by hand. */
    record GiveUp(Refusal because) implements ParticipantEvent {
        @Override
        public Step<ParticipantState, ParticipantEffect> applyTo(ParticipantState state) {
            return state.onGiveUp(this);
        }
    }

    /** The connection to the store is back: what was written to it may not have arrived. */
    record StoreBack() implements ParticipantEvent {
        @Override
        public Step<ParticipantState, ParticipantEffect> applyTo(ParticipantState state) {
            return state.onStoreBack(this);
        }
    }
}
