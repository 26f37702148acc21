package dev.holdfast.agent.replication;

import java.time.Duration;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One thread of a machine. What breaks is logged, and the next task comes all the same. */
final class MachineThread implements SerialThread, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(MachineThread.class);

    private final ScheduledThreadPoolExecutor executor;

    MachineThread(String name) {
        executor = new ScheduledThreadPoolExecutor(1, task -> {
            Thread thread = new Thread(task, name);
            thread.setDaemon(true);
            return thread;
        });
        executor.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    }

    private static Runnable guarded(Runnable task) {
        return () -> {
            try {
                task.run();
            } catch (RuntimeException e) {
                LOG.error("a task of a replicated machine broke", e);
            }
        };
    }

    @Override
    public void execute(Runnable task) {
        try {
            executor.execute(guarded(task));
        } catch (RejectedExecutionException e) {
            LOG.debug("the agent ends", e);
        }
    }

    @Override
    public void after(Duration delay, Runnable task) {
        try {
            executor.schedule(guarded(task), delay.toNanos(), TimeUnit.NANOSECONDS);
        } catch (RejectedExecutionException e) {
            LOG.debug("the agent ends", e);
        }
    }

    @Override
    public void close() {
        executor.shutdownNow();
    }
}
