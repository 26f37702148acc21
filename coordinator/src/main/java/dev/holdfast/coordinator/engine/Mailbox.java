package dev.holdfast.coordinator.engine;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The one thread that owns an engine's state, and what it has still to do, in order. */
final class Mailbox implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Mailbox.class);

    private final ExecutorService thread =
            Executors.newSingleThreadExecutor(task -> Phases.daemon(task, "holdfast-engine"));
    private final Runnable lastWords;
    private final Consumer<Throwable> fatal;

    /**
     * @param lastWords what led to the contradiction is told first
     * @param fatal ends the process
     */
    Mailbox(Runnable lastWords, Consumer<Throwable> fatal) {
        this.lastWords = lastWords;
        this.fatal = fatal;
    }

    /** From any thread. What arrives after the end is dropped, as in a crash. */
    void post(Runnable task) {
        Lanes.execute(thread, () -> {
            try {
                task.run();
            } catch (RuntimeException e) {
                lastWords.run();
                LOG.error("the protocol contradicts itself; this node stops and the guard thaws", e);
                fatal.accept(e);
            }
        });
    }

    @Override
    public void close() {
        thread.shutdownNow();
    }
}
