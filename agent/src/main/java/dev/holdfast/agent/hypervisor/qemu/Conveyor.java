package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.unix.SocketPair;
import java.io.FileDescriptor;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A thread that carries memory between a file and QEMU, which has the other end of a socket. Not of a pipe: when nobody reads,
 * {@code yank} of the guard and {@code migrate_cancel} end a socket's stream, and do nothing about a pipe's. Thread-safe.
 */
final class Conveyor {
    private final SocketPair pair;
    private final Thread thread;
    private volatile @Nullable IOException failure;

    /** What the thread does. */
    @FunctionalInterface
    interface Work {
        /** @throws IOException the other end is closed then */
        void on(SocketPair stream) throws IOException;
    }

    private Conveyor(SocketPair pair, String name, Work work) {
        this.pair = pair;
        this.thread = new Thread(() -> run(work), name);
        thread.setDaemon(true);
    }

    /** Begins to work. */
    static Conveyor start(String name, Work work) throws IOException {
        Conveyor conveyor = new Conveyor(SocketPair.open(), name, work);
        conveyor.thread.start();
        return conveyor;
    }

    private void run(Work work) {
        try {
            work.on(pair);
        } catch (IOException e) {
            failure = e;
            close();
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

    /** Why the work came to nothing; empty if it did not, or not yet. */
    Optional<IOException> failure() {
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
        try {
            pair.close();
        } catch (IOException e) {
            // A descriptor that cannot be closed twice was closed before.
        }
    }
}
