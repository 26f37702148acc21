package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.image.ImageWriter;
import dev.holdfast.agent.image.MemoryKey;
import dev.holdfast.agent.unix.SocketPair;
import java.io.FileDescriptor;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A memory image that a thread of its own encrypts on its way from QEMU to the file. QEMU writes to a socket, not to a pipe: when
 * nobody reads, {@code yank} of the guard and {@code migrate_cancel} end that, and both do nothing about a pipe.
 */
final class EncryptedMemory implements MemorySink {
    /** For what QEMU had written when it said that it was done: some hundred KiB, and the storage may be slow. */
    private static final Duration REST = Duration.ofMinutes(1);

    private final MemoryFile file;
    private final SocketPair pair;
    private final ImageWriter writer;
    private final Thread thread;
    private volatile @Nullable IOException failure;
    private volatile boolean cutOff;

    private EncryptedMemory(MemoryFile file, SocketPair pair, ImageWriter writer) {
        this.file = file;
        this.pair = pair;
        this.writer = writer;
        this.thread = new Thread(this::encrypt, "holdfast-encrypt");
        thread.setDaemon(true);
    }

    static EncryptedMemory upon(MemoryFile file, MemoryKey key) throws HypervisorException {
        try {
            SocketPair pair = SocketPair.open();
            try {
                EncryptedMemory memory = new EncryptedMemory(file, pair, ImageWriter.begin(file.channel(), key));
                memory.thread.start();
                return memory;
            } catch (IOException e) {
                pair.close();
                throw e;
            }
        } catch (IOException e) {
            file.remove();
            throw new HypervisorException(
                    Kind.REFUSED, "cannot begin to encrypt the memory image " + file + ": " + e.getMessage(), e);
        }
    }

    private void encrypt() {
        try {
            writer.take(pair.own());
        } catch (IOException e) {
            failure = e;
            close(pair);
        }
    }

    @Override
    public FileDescriptor descriptor() throws IOException {
        return pair.other();
    }

    @Override
    public void handedOver() throws IOException {
        pair.handedOver();
    }

    @Override
    public void cutOff() {
        cutOff = true;
        close(pair);
    }

    @Override
    public Optional<String> failure() {
        IOException found = failure;
        return found == null || cutOff
                ? Optional.empty()
                : Optional.of("the agent could not write what it encrypts: " + found.getMessage());
    }

    @Override
    public long seal() throws HypervisorException {
        awaitEnd();
        Optional<String> why = failure();
        if (why.isPresent() || cutOff) {
            throw new HypervisorException(Kind.FAILED, file + ": " + why.orElse("the stream was cut off"));
        }
        try {
            writer.complete();
        } catch (IOException e) {
            throw new HypervisorException(Kind.FAILED, "cannot end the image " + file + ": " + e.getMessage(), e);
        }
        return file.seal();
    }

    private void awaitEnd() throws HypervisorException {
        try {
            thread.join(REST.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new HypervisorException(Kind.UNKNOWN, "writing " + file + " was interrupted", e);
        }
        if (thread.isAlive()) {
            throw new HypervisorException(
                    Kind.UNKNOWN,
                    "the rest of " + file + " has not been written for " + REST.toSeconds()
                            + " s; look at the storage under it");
        }
    }

    /** A file that the thread may still write to is removed all the same; its bytes go when the thread lets go of it. */
    @Override
    public void remove() throws HypervisorException {
        cutOff();
        file.remove();
    }

    @Override
    public void close() {
        close(pair);
        file.close();
    }

    private static void close(SocketPair pair) {
        try {
            pair.close();
        } catch (IOException e) {
            // What counts is that nobody waits for the other end any more.
        }
    }
}
