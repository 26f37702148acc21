package dev.holdfast.coordinator.zookeeper;

import java.util.concurrent.ScheduledThreadPoolExecutor;

/** Makes the package's threads. Stateless. */
final class Workers {

    private Workers() {}

    /** One daemon thread; tasks that come after its shutdown are dropped. */
    static ScheduledThreadPoolExecutor one(String name) {
        ScheduledThreadPoolExecutor worker = new ScheduledThreadPoolExecutor(
                1,
                task -> {
                    Thread thread = new Thread(task, "holdfast-store-" + name);
                    thread.setDaemon(true);
                    return thread;
                },
                new ScheduledThreadPoolExecutor.DiscardPolicy());
        worker.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
        return worker;
    }
}
