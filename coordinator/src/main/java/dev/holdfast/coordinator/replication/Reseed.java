package dev.holdfast.coordinator.replication;

import java.util.Optional;

/** Whether a node's copy may be overwritten by a new one of the primary that offers it. */
public final class Reseed {

    private Reseed() {}

    /**
     * Judges what would be lost.
     *
     * @param copy what this node has; empty if nothing
     * @param generation of the primary that offers the new copy
     * @return empty if it may be overwritten
     */
    public static Optional<Reason> judge(Optional<CopyFacts> copy, long generation) {
        if (copy.isEmpty()) {
            return Optional.empty();
        }
        CopyFacts mine = copy.get();
        if (mine.strayed()) {
            return Optional.of(Reason.STRAYED);
        }
        if (mine.generation() == 0) {
            return Optional.of(Reason.FOREIGN);
        }
        return mine.generation() > generation ? Optional.of(Reason.NEWER_COPY) : Optional.empty();
    }
}
