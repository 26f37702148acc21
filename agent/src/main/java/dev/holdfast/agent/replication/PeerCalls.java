package dev.holdfast.agent.replication;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Copy;
import java.io.IOException;

/** What a primary's node asks of the agents of others, over the group channel. Methods block for some seconds at most. Thread-safe. */
interface PeerCalls {

    /** Whether a node takes part and could become the standby. */
    boolean isReady(Name node) throws InterruptedException;

    /**
     * Offers a copy; returns when there is a process that waits for the disks.
     *
     * @throws IOException the node does not take it, or does not answer
     */
    PeerLink.Opening offer(Copy copy, long generation) throws IOException, InterruptedException;

    /** Tells a node that its copy does not count any more. Returns at once; it need not get there. */
    void tellVoid(Copy copy);
}
