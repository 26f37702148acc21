package dev.holdfast.coordinator.port;

import java.util.SortedMap;

/** What rounds hold, for those who look for damage. Methods block for up to the store's time-out. Thread-safe. */
public interface Claims {

    /**
     * The id of the round that holds each machine, and each name of a checkpoint as {@code group@name}. A claim whose round
     * is gone holds for ever: the two appear and disappear together, unless somebody has changed the store by hand.
     */
    SortedMap<String, String> claims() throws StoreUnreachableException;

    /**
     * Takes a claim away whose round is gone: it is removed only if that round still holds it, and there is no such round at that
     * very moment. The caller knows that no node is bound to the round.
     *
     * @param claim as in {@link #claims}
     * @param round who holds it
     * @return whether it was removed
     * @throws StoreUnreachableException also if it is not known whether it was
     */
    boolean release(String claim, String round) throws StoreUnreachableException;
}
