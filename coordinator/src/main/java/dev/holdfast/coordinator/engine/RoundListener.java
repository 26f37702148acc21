package dev.holdfast.coordinator.engine;

import dev.holdfast.coordinator.protocol.Name;

/** Follows one round for whoever asked for it. Called on the engine's thread; must not block. */
public interface RoundListener {

    /** A listener that does nothing. */
    RoundListener NONE = (node, phase, done, total) -> {};

    /**
     * How far a node has come.
     *
     * @param node the node
     * @param phase what it is doing
     * @param done units done
     * @param total units in all, 0 if unknown
     */
    void onProgress(Name node, String phase, long done, long total);
}
