package dev.holdfast.agent.replication;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Copy;
import dev.holdfast.coordinator.replication.Protected;
import dev.holdfast.coordinator.replication.ReplicaEvent;
import dev.holdfast.coordinator.replication.ReplicaState;
import dev.holdfast.coordinator.replication.Seeding;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * Which node a primary that is alone makes its standby: the first by name that takes part. One with which it has failed is left
 * alone for a while, for longer each time. Thread-safe.
 */
final class Candidates {
    private static final Duration FIRST_WAIT = Duration.ofSeconds(1);
    private static final int MOST_DOUBLINGS = 6;
    /** After so many epochs a standby is as good as any. */
    private static final long TRIED = 5;

    private final Supplier<List<Name>> nodes;
    private final PeerCalls peers;
    private final Supplier<Name> freshIds;
    private final LongSupplier nanoClock;
    private final Map<Name, Failure> failures = new ConcurrentHashMap<>();

    /** How often it has failed with a node, and when it may be tried again. */
    private record Failure(int times, long until) {}

    /** @param nodes where a copy may be, other than here */
    Candidates(Supplier<List<Name>> nodes, PeerCalls peers, Supplier<Name> freshIds, LongSupplier nanoClock) {
        this.nodes = nodes;
        this.peers = peers;
        this.freshIds = freshIds;
        this.nanoClock = nanoClock;
    }

    /** A copy on the best of them, with a fresh id. Asks them all; blocks for some seconds. */
    Optional<Copy> next() {
        List<Name> order = new ArrayList<>(nodes.get());
        order.sort(null);
        try {
            for (Name node : order) {
                if (mayBeTried(node) && peers.isReady(node)) {
                    return Optional.of(new Copy(node, freshIds.get()));
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return Optional.empty();
    }

    private boolean mayBeTried(Name node) {
        Failure failure = failures.get(node);
        return failure == null || nanoClock.getAsLong() - failure.until() >= 0;
    }

    /** Remembers with which nodes it has failed: also one that became a standby and took some epochs only. */
    void moved(ReplicaState before, ReplicaEvent event, ReplicaState after) {
        boolean had = before instanceof Seeding || before instanceof Protected;
        if (had && event instanceof ReplicaEvent.StandbyLost lost) {
            Name node = lost.peer().node();
            Failure earlier = failures.get(node);
            int times = earlier == null ? 0 : Math.min(earlier.times() + 1, MOST_DOUBLINGS);
            failures.put(node, new Failure(times, nanoClock.getAsLong() + (FIRST_WAIT.toNanos() << times)));
        } else if (after instanceof Protected leading && leading.epoch() > TRIED) {
            failures.remove(leading.peer().node());
        }
    }
}
