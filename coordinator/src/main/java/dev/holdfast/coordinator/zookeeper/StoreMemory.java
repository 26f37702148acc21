package dev.holdfast.coordinator.zookeeper;

import java.io.IOException;
import java.util.Optional;

/** Where a node remembers the store it belongs to. Called on threads of the store; may block for a flush. */
public interface StoreMemory {

    /** What is remembered; empty on a node that has never seen a store. */
    Optional<StoreIdentity> recall() throws IOException;

    /** Remembers; on stable storage when it returns. */
    void keep(StoreIdentity identity) throws IOException;
}
