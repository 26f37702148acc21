package dev.holdfast.agent.hypervisor.replication;

/** What an epoch consists of, and so what a standby goes on from. */
public enum EpochContent {
    /** Disks and memory of one moment: the guest goes on. */
    MEMORY_AND_DISKS,
    /** Disks of one moment, as after a power failure at it: the guest boots. */
    DISKS
}
