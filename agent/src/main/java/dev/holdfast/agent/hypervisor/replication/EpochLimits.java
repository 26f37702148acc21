package dev.holdfast.agent.hypervisor.replication;

import java.time.Duration;

/**
 * What an epoch may cost.
 *
 * @param downtime the guest is stopped when little is left of its memory; at the most what goes over in that time, when it changes
 *     too fast for less
 * @param length without having come that far the guest is stopped as soon as what is left goes over within {@code pause}; after
 *     as much time once more the epoch is given up
 * @param pause longest the guest may stand still for the rest of its memory; then the epoch is given up
 * @param patience how long the standby may take to commit while the guest stands still
 * @param bytesPerSecond most of memory that goes over the network
 * @param holdOutput whether packets of the guest leave only when the epoch they were sent in is committed
 */
public record EpochLimits(
        Duration downtime,
        Duration length,
        Duration pause,
        Duration patience,
        long bytesPerSecond,
        boolean holdOutput) {}
