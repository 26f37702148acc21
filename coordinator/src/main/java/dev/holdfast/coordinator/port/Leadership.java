package dev.holdfast.coordinator.port;

import dev.holdfast.coordinator.protocol.Epoch;

/**
 * Elects one leader among the agents, for liveness only: safety rests on the epoch and the version of each record.
 * SUSPENDED counts as lost.
 */
public interface Leadership {

    /** Told of the ups and downs of office; called on a thread of the store, must not block. */
    interface Listener {

        /**
         * This node holds office and has raised the epoch.
         *
         * @param epoch the number of its reign
         */
        void onElected(Epoch epoch);

        /** This node no longer holds office, or cannot know. Also called when the connection is merely suspended. */
        void onDeposed();

        /** The connection to the store is back; what was written without an answer may not have arrived. */
        void onStoreBack();
    }

    /** Registers the listener and takes part in elections until closed. */
    void start(Listener listener) throws StoreUnreachableException;
}
