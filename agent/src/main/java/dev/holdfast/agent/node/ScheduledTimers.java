package dev.holdfast.agent.node;

import dev.holdfast.coordinator.port.Timers;
import java.time.Duration;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** Timers by the JVM's monotonic clock, on one thread. Thread-safe. */
public final class ScheduledTimers implements Timers, AutoCloseable {

    private final ScheduledThreadPoolExecutor executor = new ScheduledThreadPoolExecutor(
            1,
            task -> {
                Thread thread = new Thread(task, "holdfast-timers");
                thread.setDaemon(true);
                return thread;
            },
            // After the end timers are dropped as in a crash.
            new ThreadPoolExecutor.DiscardPolicy());

    @Override
    public Pending after(Duration delay, Runnable task) {
        var future = executor.schedule(task, delay.toNanos(), TimeUnit.NANOSECONDS);
        return () -> future.cancel(false);
    }

    @Override
    public void close() {
        executor.shutdownNow();
    }
}
