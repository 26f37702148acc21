package dev.holdfast.agent.replication;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** What a replicated machine does all the time, as far as who looks whether a round is possible has to do with it. Thread-safe. */
public interface Epochs {

    /** Why no round could have the machine now, as far as that does not pass by itself within an epoch. */
    Optional<String> obstacle();

    /**
     * Waits as a round does for the end of an epoch that is under way, and none is begun until {@link #end}; a round that comes
     * meanwhile has the machine at once. Returns at once.
     *
     * @param bound after this the epochs go on by themselves
     */
    CompletableFuture<Void> park(Duration bound);

    /** The epochs go on. */
    void end();
}
