package dev.holdfast.agent.replication;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Proof;

/** Who can prove that a node does not run anything any more. */
public interface Fencing {

    /**
     * Asks now. Blocks for some seconds at most; thread-safe.
     *
     * @param node by its name in the cluster, which pacemaker must know it by, too
     * @return what is not known for certain is {@link Proof.Missing}
     */
    Proof proof(Name node);
}
