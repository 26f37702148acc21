package dev.holdfast.agent.hypervisor.qemu;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes a file durable on a thread of its own: on storage that hangs nobody can end that, so whoever waits has to be able to go away. The
 * thread stays until the storage answers. Used once; one thread, except {@link #giveUp} and {@link #hanging}.
 */
public final class Flush {
    private static final Logger LOG = LoggerFactory.getLogger(Flush.class);

    /** Those that nobody waits for any more, in all of this process. */
    private static final Set<Flush> HANGING = ConcurrentHashMap.newKeySet();

    /** What makes it durable. */
    interface Work {
        /** @return the size of the file in bytes */
        long run() throws IOException;
    }

    private final Path file;
    private final Work work;
    private final CompletableFuture<Optional<Long>> answer = new CompletableFuture<>();
    private final CompletableFuture<Path> over = new CompletableFuture<>();
    private boolean begun;

    Flush(Path file, Work work) {
        this.file = file.toAbsolutePath();
        this.work = work;
    }

    /**
     * The files whose flush was given up and goes on hanging. The bytes of each, and what was reserved for it, are taken until the
     * storage answers, also if it was removed. Any thread.
     */
    public static List<Path> hanging() {
        return HANGING.stream().map(flush -> flush.file).sorted().toList();
    }

    /** One of them in the directory of a file. */
    static Optional<Path> hangingBeside(Path file) {
        Path beside = file.toAbsolutePath().resolveSibling("");
        return hanging().stream()
                .filter(other -> other.resolveSibling("").equals(beside))
                .findFirst();
    }

    /**
     * Waits until it is done, or given up.
     *
     * @return the size of the file in bytes; empty if it was given up, and nobody knows whether it is durable
     */
    Optional<Long> run() throws IOException {
        synchronized (this) {
            if (answer.isDone()) {
                return Optional.empty();
            }
            begun = true;
        }
        Thread thread = new Thread(this::work, "holdfast-flush");
        thread.setDaemon(true);
        try {
            thread.start();
        } catch (OutOfMemoryError e) {
            synchronized (this) {
                begun = false;
                HANGING.remove(this);
            }
            over.complete(file);
            throw new IOException(
                    "no thread for a flush: " + e.getMessage() + "; look at the limits of the agent's unit", e);
        }
        try {
            return answer.get();
        } catch (ExecutionException e) {
            throw e.getCause() instanceof IOException failure ? failure : new IOException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            giveUp();
            throw new InterruptedIOException("the flush of " + file + " was interrupted");
        }
    }

    private void work() {
        boolean waitedFor;
        try {
            waitedFor = answer.complete(Optional.of(work.run()));
        } catch (Throwable e) { // Whoever waits, or has to close the file, must not do so for ever.
            waitedFor = answer.completeExceptionally(e);
        }
        over.complete(file);
        if (!waitedFor) {
            HANGING.remove(this);
            LOG.info("{}: its storage has answered; {} flush(es) that were given up still hang", file, HANGING.size());
        }
    }

    /** Whoever waits goes on. From any thread; does nothing if it is done. */
    synchronized void giveUp() {
        if (!begun) {
            answer.complete(Optional.empty());
            return;
        }
        if (answer.isDone()) {
            return;
        }
        // Before the answer: its own thread takes it out again when it finds that nobody has waited.
        HANGING.add(this);
        if (answer.complete(Optional.empty())) {
            LOG.warn(
                    "{}: its flush is given up, and the thread stays until the storage answers; {} such hang now. Look at the"
                            + " storage under it",
                    file,
                    HANGING.size());
        } else {
            HANGING.remove(this);
        }
    }

    /** Does something when no thread uses the file any more: at once if none does. To close a file waits for whoever is inside of it. */
    synchronized void afterwards(Runnable task) {
        if (begun) {
            over.thenAccept(name -> task.run());
        } else {
            task.run();
        }
    }
}
