package dev.holdfast.coordinator.port;

import dev.holdfast.coordinator.protocol.Name;
import java.time.Duration;

/** A distributed queue for callers of one group. It orders them; it protects nothing: the claims do. */
public interface GroupQueue {

    /** A place at the head of the queue. Closing it lets the next one in; never throws. */
    interface Turn extends AutoCloseable {
        @Override
        void close();
    }

    /**
     * Waits until it is the caller's turn.
     *
     * @param wait how long at most; zero not to wait
     * @return the turn; closed by the caller, from any thread
     * @throws GroupBusyException if the turn did not come in time
     */
    Turn take(Name group, Duration wait) throws StoreUnreachableException, GroupBusyException, InterruptedException;
}
