package dev.holdfast.agent;

import dev.holdfast.agent.hypervisor.ForeignMachines;
import dev.holdfast.agent.hypervisor.Hypervisor;
import dev.holdfast.agent.hypervisor.replication.Replication;
import dev.holdfast.agent.replication.Fencing;
import dev.holdfast.agent.replication.FollowedStarts;
import dev.holdfast.coordinator.port.ImageKeys;
import dev.holdfast.coordinator.protocol.Name;
import java.util.function.Predicate;

/**
 * What runs machines, and what tells whether other nodes do not.
 *
 * @param hypervisor starts and finds them
 * @param foreign what others have made, and could be looked after
 * @param replication starts those that are replicated
 * @param fencing proves that another node is gone
 * @param imageKeys with which this node reads and writes memory images
 */
public record Drivers(
        Hypervisor hypervisor, ForeignMachines foreign, Replication replication, Fencing fencing, ImageKeys imageKeys) {

    /** What starts each machine as it is to run. */
    Hypervisor started(Predicate<Name> replicated) {
        return new FollowedStarts(hypervisor, replication, replicated);
    }
}
