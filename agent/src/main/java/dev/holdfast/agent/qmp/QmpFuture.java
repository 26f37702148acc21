package dev.holdfast.agent.qmp;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A reply that has not come yet. Thread-safe. */
public final class QmpFuture {
    private final String command;
    private final CompletableFuture<QmpReply> reply = new CompletableFuture<>();

    private final Runnable onTimeout;

    QmpFuture(String command, Runnable onTimeout) {
        this.command = command;
        this.onTimeout = onTimeout;
    }

    String command() {
        return command;
    }

    void succeed(QmpReply value) {
        reply.complete(value);
    }

    void fail(QmpException error) {
        reply.completeExceptionally(error);
    }

    /** Whether the reply is here, good or bad. */
    public boolean isDone() {
        return reply.isDone();
    }

    /**
     * Waits for the reply.
     *
     * @param timeout at least zero
     * @throws QmpException if QEMU refused, did not answer in time, or the connection went away
     */
    public QmpReply await(Duration timeout) throws QmpException {
        try {
            return reply.get(Math.max(0, timeout.toNanos()), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            onTimeout.run();
            throw QmpException.timedOut(command, timeout.toMillis());
        } catch (ExecutionException e) {
            if (e.getCause() instanceof QmpException error) {
                throw error;
            }
            throw new IllegalStateException("a reply failed with a foreign exception", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw QmpException.closed(command, "the waiting thread was interrupted", e);
        }
    }
}
