package dev.holdfast.agent.hypervisor;

/** Told how far something long has come. Called often from the working thread; must not block. */
@FunctionalInterface
public interface Progress {
    /** For callers who do not want to know. */
    Progress NONE = (done, total) -> {};

    /**
     * @param done bytes done
     * @param total bytes expected in all, an estimate that may grow
     */
    void at(long done, long total);
}
