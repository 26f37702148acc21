package dev.holdfast.agent.replication;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Copy;
import java.util.Optional;

/**
 * That this node leads a machine, on lasting storage.
 *
 * @param copy id of what it runs from
 * @param generation of the life
 * @param peerNode the node of the standby that may be in the set
 * @param peerCopy the id of its copy
 * @param leaving the machine is being given up
 */
record LifeNote(Name copy, long generation, Optional<Name> peerNode, Optional<Name> peerCopy, boolean leaving) {

    static LifeNote of(Name copy, long generation, Optional<Copy> peer, boolean leaving) {
        return new LifeNote(copy, generation, peer.map(Copy::node), peer.map(Copy::id), leaving);
    }

    Optional<Copy> peer() {
        return peerNode.flatMap(node -> peerCopy.map(id -> new Copy(node, id)));
    }

    LifeNote leaving(Optional<Copy> peer) {
        return of(copy, generation, peer, true);
    }
}
