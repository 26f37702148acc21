package dev.holdfast.agent;

import dev.holdfast.agent.hypervisor.Hypervisor;
import dev.holdfast.agent.hypervisor.replication.Replication;
import dev.holdfast.agent.replication.Fencing;

/**
 * What runs machines, and what tells whether other nodes do not.
 *
 * @param hypervisor starts and finds them
 * @param replication starts those that are replicated
 * @param fencing proves that another node is gone
 */
public record Drivers(Hypervisor hypervisor, Replication replication, Fencing fencing) {}
