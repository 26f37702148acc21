package dev.holdfast.wrong.agent.vm;

import dev.holdfast.wrong.agent.timeline.JobManager;
import java.util.Optional;
import java.util.function.LongSupplier;

/** Wrong on purpose: needs who needs it, and takes the time by itself. */
public final class Circle {
    private final LongSupplier clock = System::nanoTime;

    long now() {
        return clock.getAsLong();
    }

    Optional<JobManager> needed() {
        return Optional.empty();
    }
}
