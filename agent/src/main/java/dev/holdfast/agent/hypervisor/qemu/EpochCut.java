package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;

/** How the guest is brought to a stand at the end of an epoch, and what is known at the standby then beside its disks. */
sealed interface EpochCut permits MemoryCut, DiskCut {
    /** What is to be done at the stand, before anything else. */
    interface AtStand {
        void run() throws HypervisorException;
    }

    /** Returns when the guest stands still, all its writes have been answered, and what goes with them is sent. */
    void take(AtStand stand) throws HypervisorException;

    /** The epoch is given up. @param still whether the guest is to stand still after it; otherwise it runs */
    void undo(boolean still) throws HypervisorException;

    /** The epoch is committed: the guest runs. */
    void resume() throws HypervisorException;

    /** Bytes of memory that were sent; if there is none, that the guest has written since the epoch before. */
    long bytes() throws HypervisorException;
}
