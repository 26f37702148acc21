package dev.holdfast.agent.replication;

import dev.holdfast.agent.hypervisor.replication.EpochContent;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Policy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * How a machine is replicated. Immutable.
 *
 * @param content what an epoch consists of
 * @param policy what the rules need to know
 * @param nodes where copies may be; empty: wherever the machine is defined
 * @param interval from the begin of one epoch to that of the next
 * @param maxPause longest the guest may stand still at the end of an epoch
 * @param maxLag how far beyond an epoch the guest may run without its standby; as long may a standby be silent
 * @param bytesPerSecond most that disks and memory take of the network, 0 for no limit
 * @param place the standby's directory on a volatile medium
 */
public record ReplicaPlan(
        EpochContent content,
        Policy policy,
        List<Name> nodes,
        Duration interval,
        Duration maxPause,
        Duration maxLag,
        long bytesPerSecond,
        Path place) {

    /** Copies the list. */
    public ReplicaPlan {
        nodes = List.copyOf(nodes);
    }
}
