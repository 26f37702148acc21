package dev.holdfast.agent;

import dev.holdfast.agent.cluster.Peers;
import java.util.Optional;

/** Desk and peers need each other: this node may have to ask itself. Thread-safe. */
final class PeersHolder {
    private volatile Optional<Peers> peers = Optional.empty();

    void set(Peers now) {
        peers = Optional.of(now);
    }

    Peers get() {
        return peers.orElseThrow(() -> new IllegalStateException("asked before it was put together"));
    }
}
