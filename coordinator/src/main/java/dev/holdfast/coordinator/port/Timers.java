package dev.holdfast.coordinator.port;

import java.time.Duration;

/** Runs something later, by the monotonic clock. Neither method blocks or throws. Thread-safe. */
public interface Timers {

    /** A timer that has not run out yet. */
    interface Pending {
        /** Takes it back. It may run out all the same if it is about to. */
        void cancel();
    }

    /** Runs the task once, on a thread of the timers; the task must not block. */
    Pending after(Duration delay, Runnable task);
}
