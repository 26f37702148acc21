package dev.holdfast.agent.round;

import dev.holdfast.agent.hypervisor.ThawFacts;
import dev.holdfast.coordinator.port.Snapshotter.PhaseException;
import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.VmReport;

/**
 * One machine's part in one round. The phases are called in the order of the protocol by one thread; {@link #thaw()} may
 * come from another at any time and makes the phase under way fail soon.
 */
public interface VmPart {

    /** Told how far memory has come. */
    interface Progress {
        void at(String phase, long done, long total);
    }

    /** Whether a person had paused the machine before the round. */
    boolean wasPaused() throws PhaseException;

    /** Creates what the capture needs; the guest runs. */
    void prepare() throws PhaseException;

    /** Whether the guest may stop by itself as soon as memory is on its way (a live capture). */
    boolean freezesByItself();

    /**
     * Brings memory near; only for a part that freezes by itself, and with the guard armed.
     *
     * @return whether it stands still already
     */
    boolean approach() throws PhaseException;

    /** Stops the processors. */
    void freeze() throws PhaseException;

    /** Cuts the disks. */
    void capture() throws PhaseException;

    /** Asks and lets run in one write. */
    ThawFacts proveAndThaw() throws PhaseException;

    /**
     * Waits until everything is on stable storage.
     *
     * @param quiesce what came of the request to flush file systems
     */
    VmReport drain(String quiesce, Progress progress) throws PhaseException;

    /** Revert: loads the old state in a stopped process beside the held one. */
    VmReport loadBeside(Progress progress) throws PhaseException;

    /** Whether the machine runs now. */
    boolean runs() throws PhaseException;

    /**
     * Lets it run whatever its state. Never throws; returns soon.
     *
     * @return whether it is certain that it runs now, or stands still only because a person wants that; if not, the guard
     *     must go on watching until {@link #carryOut} has succeeded
     */
    boolean thaw();

    /** Makes the decision true. Idempotent, also after a restart. */
    void carryOut(Decision decision) throws PhaseException;
}
