package dev.holdfast.coordinator.zookeeper;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes the package's threads. Stateless. */
final class Workers {

    private static final Logger LOG = LoggerFactory.getLogger(Workers.class);

    private Workers() {}

    /** A pool would keep to itself what goes wrong in a task. */
    private static final class Telling extends ScheduledThreadPoolExecutor {

        Telling(int size, ThreadFactory threads) {
            super(size, threads, new ScheduledThreadPoolExecutor.DiscardPolicy());
        }

        @Override
        protected void afterExecute(Runnable task, @Nullable Throwable thrown) {
            super.afterExecute(task, thrown);
            if (task instanceof Future<?> future && future.isDone() && !future.isCancelled()) {
                try {
                    future.get();
                } catch (ExecutionException bug) {
                    LOG.error("a task of the store has failed; this is an error in Holdfast", bug.getCause());
                } catch (InterruptedException ending) {
                    Thread.currentThread().interrupt();
                }
            }
        }
    }

    /** One daemon thread; tasks that come after its shutdown are dropped. */
    static ScheduledThreadPoolExecutor one(String name) {
        return several(name, 1);
    }

    /** As many daemon threads; tasks that come after their shutdown are dropped. */
    static ScheduledThreadPoolExecutor several(String name, int size) {
        ScheduledThreadPoolExecutor worker = new Telling(size, task -> {
            Thread thread = new Thread(task, "holdfast-store-" + name);
            thread.setDaemon(true);
            return thread;
        });
        worker.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
        return worker;
    }
}
