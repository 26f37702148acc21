package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.image.ImageException;
import dev.holdfast.agent.image.ImageReader;
import dev.holdfast.agent.unix.SocketPair;
import java.io.FileDescriptor;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** An encrypted image that a thread of its own decrypts on its way to QEMU, which gets no byte that is not proven. */
final class DecryptedMemory implements MemorySource {
    /** QEMU reads to the end of what was written, so little is left then. */
    private static final Duration REST = Duration.ofSeconds(10);

    private final ImageReader reader;
    private final SocketPair pair;
    private final Thread thread;
    private volatile @Nullable IOException failure;

    private DecryptedMemory(ImageReader reader, SocketPair pair) {
        this.reader = reader;
        this.pair = pair;
        this.thread = new Thread(this::decrypt, "holdfast-decrypt");
        thread.setDaemon(true);
    }

    /** Takes over both. */
    static DecryptedMemory of(ImageReader reader, SocketPair pair) {
        DecryptedMemory memory = new DecryptedMemory(reader, pair);
        memory.thread.start();
        return memory;
    }

    private void decrypt() {
        try {
            reader.writeTo(pair.own(), Progress.NONE);
            pair.endOutput();
        } catch (IOException e) {
            failure = e;
            closeQuietly();
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
    public void end() throws IOException {
        try {
            thread.join(REST.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("loading was interrupted");
        }
        IOException found = failure;
        if (found instanceof ImageException) {
            throw found;
        }
        if (found != null || thread.isAlive()) {
            throw new IOException("QEMU has not read all of it", found);
        }
    }

    private void closeQuietly() {
        try {
            pair.close();
        } catch (IOException e) {
            // What counts is that QEMU does not wait for more.
        }
    }

    @Override
    public void close() throws IOException {
        closeQuietly();
        reader.close();
    }
}
