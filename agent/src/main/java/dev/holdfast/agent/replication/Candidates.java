package dev.holdfast.agent.replication;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Alone;
import dev.holdfast.coordinator.replication.Copy;
import dev.holdfast.coordinator.replication.ReplicaEvent;
import dev.holdfast.coordinator.replication.ReplicaState;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Which node a primary that is alone makes its standby: the first by name that takes part; one with which it has just failed comes
 * last. Thread-safe.
 */
final class Candidates {
    private final Supplier<List<Name>> nodes;
    private final PeerCalls peers;
    private final Supplier<Name> freshIds;
    private volatile @Nullable Name failed;

    /** @param nodes where a copy may be, other than here */
    Candidates(Supplier<List<Name>> nodes, PeerCalls peers, Supplier<Name> freshIds) {
        this.nodes = nodes;
        this.peers = peers;
        this.freshIds = freshIds;
    }

    /** A copy on the best of them, with a fresh id. Asks them all; blocks for some seconds. */
    Optional<Copy> next() {
        List<Name> order = new ArrayList<>(nodes.get());
        order.sort(null);
        Name last = failed;
        if (last != null && order.remove(last)) {
            order.add(last);
        }
        try {
            for (Name node : order) {
                if (peers.isReady(node)) {
                    return Optional.of(new Copy(node, freshIds.get()));
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return Optional.empty();
    }

    /** Remembers with which node it has failed. */
    void moved(ReplicaEvent event, ReplicaState after) {
        if (after instanceof Alone && event instanceof ReplicaEvent.StandbyLost lost) {
            failed = lost.peer().node();
        }
    }
}
