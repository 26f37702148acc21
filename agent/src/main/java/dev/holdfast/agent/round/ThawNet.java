package dev.holdfast.agent.round;

import dev.holdfast.coordinator.port.Snapshotter.PhaseException;
import dev.holdfast.coordinator.protocol.Name;
import java.time.Duration;

/**
 * What thaws a machine if this process dies or hangs: the guard. Each method returns when the guard has acknowledged, or
 * throws within a few seconds. Thread-safe.
 */
public interface ThawNet {

    /**
     * Makes sure the guard is there and connected to the machine, and starts its countdown; a mark that a shell script or a
     * person can read says so. A second call with the same token starts the countdown anew.
     *
     * @param token what is frozen for: the round
     * @param deadline when the guard thaws by itself
     * @param wasPaused a person has paused the machine: it stays so
     */
    void arm(Name vm, String token, Duration deadline, boolean wasPaused) throws PhaseException;

    /**
     * Ends the countdown and takes the mark away.
     *
     * @return whether the guard had thawed before
     */
    boolean disarm(Name vm, String token) throws PhaseException;

    /**
     * How long a guest may take to flush: less than the deadline, so that a guest that does not answer is told from a freeze
     * that lasted too long, and time is left for the freeze itself.
     */
    static Duration quiesceBound(Duration deadline) {
        return deadline.dividedBy(2);
    }

    /**
     * Lets the guest flush and freeze its file systems; from then on it counts as frozen. Must be armed.
     *
     * @return how many file systems
     * @throws PhaseException the guest cannot do that: a refusal before anything was stopped
     */
    int quiesce(Name vm, String token, Duration bound) throws PhaseException;

    /** Lets the guest use its file systems again. Does nothing if they are not frozen. */
    void unquiesce(Name vm, String token) throws PhaseException;

    /**
     * Thaws the file systems of a machine that was restored from a quiesced capture and runs now: inside they are frozen.
     * If that fails, or this process dies meanwhile, the guard goes on trying.
     *
     * @param token not used for anything else
     * @return how many file systems
     */
    int thawRestored(Name vm, String token) throws PhaseException;

    /** Leaves a mark: this machine was restored from a quiesced capture and stands still; whoever lets it run thaws it. */
    void markRestored(Name vm) throws PhaseException;

    /**
     * Leaves a mark: this machine is held without a deadline until a decision is read.
     *
     * @param wasPaused a person had paused the machine
     */
    void markHeld(Name vm, String token, boolean wasPaused) throws PhaseException;

    /**
     * Takes the mark of a freeze or a hold away, if it is there and for the same: the machine is known to run, and the guard
     * that made the mark may be dead. The mark of another operation stays. Never throws.
     */
    void unmark(Name vm, String token);
}
