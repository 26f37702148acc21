package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.unix.SocketPair;
import java.io.Closeable;
import java.io.FileDescriptor;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ThreadFactory;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A thread that carries memory between a file and QEMU, which has the other end of a socket. Not of a pipe: when nobody reads,
 * {@code yank} of the guard and {@code migrate_cancel} end a socket's stream, and do nothing about a pipe's. Thread-safe.
 */
final class Conveyor {
    /** For what the thread is at when its stream is ended, unless the storage hangs. */
    private static final Duration LETTING_GO = Duration.ofSeconds(1);

    private static final Logger LOG = LoggerFactory.getLogger(Conveyor.class);

    private final SocketPair pair;
    private final Thread thread;
    private volatile @Nullable Throwable failure;
    private volatile boolean closed;
    private volatile boolean done;
    private boolean over;
    private @Nullable Closeable left;

    /** What the thread does. */
    @FunctionalInterface
    interface Work {
        /**
         * Returns when the stream has come to its end.
         *
         * @throws IOException the other end is closed then, as it is when anything else is thrown
         */
        void on(SocketPair stream) throws IOException;
    }

    private Conveyor(SocketPair pair, ThreadFactory threads, Work work) {
        this.pair = pair;
        this.thread = threads.newThread(() -> run(work));
        thread.setDaemon(true);
    }

    /** Begins to work. */
    static Conveyor start(String name, Work work) throws IOException {
        return start(SocketPair.open(), task -> new Thread(task, name), work);
    }

    /**
     * Begins to work.
     *
     * @param pair closed along with this, and if there is no thread for it
     */
    static Conveyor start(SocketPair pair, ThreadFactory threads, Work work) throws IOException {
        Conveyor conveyor = new Conveyor(pair, threads, work);
        try {
            conveyor.thread.start();
            return conveyor;
        } catch (OutOfMemoryError e) {
            conveyor.close();
            throw new IOException(
                    "no thread for a memory stream: " + e.getMessage() + "; look at the limits of the agent's unit", e);
        }
    }

    private void run(Work work) {
        try {
            work.on(pair);
            // A stream that was ended from this side may look as if QEMU had ended it.
            done = !closed;
        } catch (Throwable e) {
            failure = e;
            if (!(e instanceof IOException)) {
                LOG.error("an error of the agent ended a memory stream", e);
            }
        } finally {
            if (!done) {
                close();
            }
            closeWhatWasLeft();
        }
    }

    /** QEMU's end. */
    FileDescriptor descriptor() throws IOException {
        return pair.other();
    }

    /** QEMU has its own descriptor now. */
    void handedOver() throws IOException {
        pair.handedOver();
    }

    /** Whether the work came to its end, and the stream to the one that its writer gave it. */
    boolean isDone() {
        return done;
    }

    /** Why the work came to nothing: an {@link IOException}, or an error of the agent itself; empty if it did not, or not yet. */
    Optional<Throwable> failure() {
        return Optional.ofNullable(failure);
    }

    /** Waits for the end of the work. False if it goes on. */
    boolean isOver(Duration patience) throws InterruptedIOException {
        try {
            thread.join(patience.toMillis());
            return !thread.isAlive();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("the memory stream was interrupted");
        }
    }

    /** Neither end waits for the other any more. */
    void close() {
        closed = true;
        try {
            pair.close();
        } catch (IOException e) {
            // A descriptor that cannot be closed twice was closed before.
        }
    }

    /**
     * Ends the stream, and closes what the work uses: here if the thread lets go of it within a second, else by that thread
     * when it does, since to close a file waits for whoever is inside a read or write of it, on storage that hangs for ever.
     *
     * @param used nobody but the work uses it any more; may be closed before
     */
    void close(Closeable used) {
        close();
        if (!letsGo()) {
            synchronized (this) {
                if (!over) {
                    left = used;
                    return;
                }
            }
        }
        closeQuietly(used);
    }

    private boolean letsGo() {
        try {
            return isOver(LETTING_GO);
        } catch (InterruptedIOException e) {
            return false; // The thread is marked as interrupted still.
        }
    }

    private void closeWhatWasLeft() {
        Closeable used;
        synchronized (this) {
            over = true;
            used = left;
        }
        if (used != null) {
            closeQuietly(used);
        }
    }

    private static void closeQuietly(Closeable used) {
        try {
            used.close();
        } catch (IOException e) {
            LOG.debug("a file of a memory stream could not be closed", e);
        }
    }
}
