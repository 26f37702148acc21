package dev.holdfast.coordinator.port;

import java.util.SortedMap;

/** What open rounds hold, for those who look for damage. Methods block for up to the store's time-out. Thread-safe. */
public interface Claims {

    /**
     * The id of the round that holds each machine, and each name of a checkpoint as {@code group@name}. A claim whose round
     * is gone holds for ever: the two appear and disappear together, unless somebody has changed the store by hand.
     */
    SortedMap<String, String> claims() throws StoreUnreachableException;
}
