package dev.holdfast.agent.replication;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.coordinator.replication.Copy;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** What leads from a primary to its standby, and whether there are signs of life. It ends with the agent that has made it. Thread-safe. */
final class StandbyWay {
    private final LongSupplier nanoClock;
    private @Nullable PeerLink link;
    private @Nullable Heartbeat heartbeat;

    StandbyWay(LongSupplier nanoClock) {
        this.nanoClock = nanoClock;
    }

    /**
     * Takes the place of what was there.
     *
     * @param patience without a sign of life
     * @param lost told why, once
     */
    synchronized void lead(PeerLink open, Duration patience, Consumer<String> lost) {
        end();
        link = open;
        heartbeat = Heartbeat.begin(open, patience, nanoClock, lost);
    }

    synchronized PeerLink to(Copy peer) throws HypervisorException {
        return Optional.ofNullable(link)
                .filter(open -> open.peer().equals(peer))
                .orElseThrow(() -> new HypervisorException(
                        Kind.FAILED, "the connections to it went with the agent that had made them"));
    }

    synchronized boolean isOpen() {
        return link != null;
    }

    /** Whether signs of life go on: the last one is not too long ago. */
    synchronized boolean isBeating() {
        return heartbeat != null && heartbeat.isAlive();
    }

    /** Whether there was one just now. */
    synchronized boolean isFresh() {
        return heartbeat != null && heartbeat.isFresh();
    }

    /** Nothing reaches the standby any more. */
    synchronized void end() {
        if (heartbeat != null) {
            heartbeat.end();
            heartbeat = null;
        }
        if (link != null) {
            link.close();
            link = null;
        }
    }
}
