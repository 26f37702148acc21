package dev.holdfast.agent.hypervisor;

/**
 * Merging the active layers of some disks into lower ones in steps, so that names can be moved while the guest is held:
 * {@link #run} (the guest runs) → hold the guest → {@link #pivot} → rename and fsync → let it run → {@link #finish}.
 * One thread.
 */
public interface ActiveMerge extends AutoCloseable {
    /** Copies until both sides are equal and stay so. The guest runs. */
    void run(Progress progress) throws HypervisorException;

    /** Switches the disk to the lower layer. The guest must be stopped. */
    void pivot() throws HypervisorException;

    /** Closes the files of the merged layers; afterwards they may be removed. */
    void finish() throws HypervisorException;

    /** Cancels what has not been pivoted. Both layers stay as they are, and the upper one stays active. */
    @Override
    void close() throws HypervisorException;
}
