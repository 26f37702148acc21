package dev.holdfast.coordinator.port;

import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.MemberReport;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.ThawFacts;

/**
 * Does to this node's machines what a round asks for. Each method blocks until it is done; the engine calls the methods of
 * one round from one thread, in the order of the protocol, except {@link #thawNow}, which may come at any time from another
 * thread and cuts short what is under way. After {@code thawNow} the phase under way fails soon, and only
 * {@link #carryOut} follows. {@link #forget} takes the place of {@code carryOut} where nobody can say the decision.
 */
public interface Snapshotter {

    /** A phase did not succeed. What was frozen may still be: {@code thawNow} follows. */
    final class PhaseException extends Exception {

        private static final long serialVersionUID = 1L;

        private final transient Refusal because;

        /** @param because the reason for the user */
        public PhaseException(Refusal because) {
            super(because.text());
            this.because = because;
        }

        /**
         * @param because the reason for the user
         * @param cause what was behind it
         */
        public PhaseException(Refusal because, Throwable cause) {
            super(because.text(), cause);
            this.because = because;
        }

        /** The reason for the user. */
        public Refusal because() {
            return because;
        }
    }

    /** Told how far a long phase has come; called often, must not block. */
    interface Progress {
        void at(RoundId round, String phase, long done, long total);
    }

    /**
     * Admits one operation per machine, checks, creates overlays and memory files with reserved space, flushes images,
     * quiesces if asked, arms the guard. When it returns the guard has acknowledged. The guests run all the time.
     */
    void prepare(RoundSpec spec) throws PhaseException;

    /**
     * Arms the guard anew with the round's deadline (acknowledged), writes the freeze marker, stops all machines of this
     * node. Returns when none of them, nor any back end of theirs, can alter what will be captured.
     */
    void freeze(RoundSpec spec) throws PhaseException;

    /**
     * The machines are to be stopped by {@link #freeze} that much later than now, and not earlier: so all nodes stop at one
     * instant. Ignored when it has passed, or for a round that is not known.
     *
     * @param nanos from now; at most a few milliseconds are waited
     */
    void stopIn(RoundId round, long nanos);

    /** Cuts the disks of all machines, and takes what must be taken at a standstill. */
    void capture(RoundId round) throws PhaseException;

    /** For each machine asks for its state and lets it run in one write; disarms the guard. */
    ThawFacts proveAndThaw(RoundId round) throws PhaseException;

    /** Lets everything run that the round has stopped, whatever its state. Never throws; reports to the log. */
    void thawNow(RoundId round);

    /** Waits until memory is on stable storage, flushes frozen layers, hashes, writes sidecars. */
    MemberReport drain(RoundId round, Progress progress) throws PhaseException;

    /** Revert: loads each machine's old state in a new, stopped process beside the held one. */
    MemberReport loadBeside(RoundId round, Progress progress) throws PhaseException;

    /**
     * Revert: takes the deadline off the held machines. Also called after a restart, for a round in the journal.
     *
     * @return true if a machine was let run before, by the guard or by anybody
     */
    boolean releaseGuard(RoundSpec spec) throws PhaseException;

    /**
     * Makes the decision true on this node. Idempotent, also after a restart, also when nothing was ever prepared.
     * COMMITTED checkpoint: publish the sidecars. ABORTED checkpoint: the frozen layers lose their names, nothing is merged
     * and no head moves back once the disks may have been cut. COMMITTED revert: the head moves to the branch by one
     * rename, the new side runs, the old process ends. ABORTED revert: the new side is dropped, the old one runs.
     */
    void carryOut(RoundSpec spec, Decision decision) throws PhaseException;

    /**
     * The round has no record any more. Lets go of its machines as they are, if nothing in their chains waits for its decision.
     * Idempotent, also after a restart.
     *
     * @throws PhaseException something waits, or nobody can tell: nothing was changed
     */
    void forget(RoundSpec spec) throws PhaseException;
}
