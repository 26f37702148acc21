package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.files.OwnFile;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.replication.MemoryIntake;
import dev.holdfast.agent.hypervisor.replication.StandbyPlace;
import dev.holdfast.agent.unix.StreamListener;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The memory of one epoch on its way into one of the two files: from a socket, or from whoever has claimed it. Made by one thread,
 * closed by any.
 */
final class EpochMemory implements EpochArrival, MemoryIntake {
    private final long epoch;
    private final int slot;
    private final StreamListener listener;
    private final FileChannel file;
    private final CompletableFuture<Long> received = new CompletableFuture<>();
    private final Thread thread;
    private volatile boolean claimed;

    private EpochMemory(long epoch, int slot, StreamListener listener, FileChannel file) {
        this.epoch = epoch;
        this.slot = slot;
        this.listener = listener;
        this.file = file;
        this.thread = new Thread(this::take, "epoch-" + epoch);
        thread.setDaemon(true);
    }

    static Path file(StandbyPlace place, int slot) {
        return place.directory().resolve("memory-" + slot);
    }

    /** Gives the room of an epoch back that nobody needs any more. */
    static void forget(StandbyPlace place, int slot) throws HypervisorException {
        try {
            Files.deleteIfExists(file(place, slot));
        } catch (IOException e) {
            throw new HypervisorException(
                    Kind.FAILED, "the memory of an older epoch cannot be removed: " + e.getMessage(), e);
        }
    }

    /** Waits for the stream in a thread of its own. The file keeps its space from the epoch before, for speed. */
    static EpochMemory await(StandbyPlace place, long epoch, int slot) throws HypervisorException {
        try {
            StreamListener listener = StreamListener.bind(place.memory(epoch));
            FileChannel file = open(file(place, slot), listener);
            EpochMemory memory = new EpochMemory(epoch, slot, listener, file);
            memory.thread.start();
            return memory;
        } catch (IOException e) {
            throw new HypervisorException(
                    Kind.REFUSED,
                    "no room for the memory of an epoch in " + place.directory() + ": " + e.getMessage(),
                    e);
        }
    }

    private static FileChannel open(Path file, StreamListener listener) throws IOException {
        try {
            return OwnFile.open(file);
        } catch (IOException e) {
            listener.close();
            throw e;
        }
    }

    private void take() {
        try {
            listener.takeInto(this);
            end();
        } catch (IOException e) {
            if (!claimed) {
                received.completeExceptionally(e);
                closeFile();
            }
        }
    }

    @Override
    public MemoryIntake claim() throws HypervisorException {
        claimed = true;
        try {
            listener.close();
            if (file.position() > 0) {
                throw new IOException("it comes another way already");
            }
            return this;
        } catch (IOException e) {
            throw new HypervisorException(
                    Kind.REFUSED, "the memory of epoch " + epoch + " cannot be taken: " + e.getMessage(), e);
        }
    }

    @Override
    public int write(ByteBuffer bytes) throws IOException {
        return file.write(bytes);
    }

    @Override
    public void end() throws IOException {
        long bytes = file.position();
        file.truncate(bytes);
        file.force(true);
        file.close();
        received.complete(bytes);
    }

    @Override
    public boolean isOpen() {
        return file.isOpen();
    }

    @Override
    public long epoch() {
        return epoch;
    }

    @Override
    public OptionalInt slot() {
        return OptionalInt.of(slot);
    }

    @Override
    public Optional<Path> socket() {
        return Optional.of(listener.path());
    }

    @Override
    public void complete(Duration patience) throws HypervisorException {
        try {
            long bytes = received.get(patience.toNanos(), TimeUnit.NANOSECONDS);
            if (bytes == 0) {
                throw new HypervisorException(Kind.REFUSED, "no memory has come for epoch " + epoch);
            }
        } catch (TimeoutException e) {
            throw new HypervisorException(
                    Kind.UNKNOWN,
                    "the memory of epoch " + epoch + " is not on stable storage after " + patience.toMillis() + " ms",
                    e);
        } catch (ExecutionException e) {
            throw new HypervisorException(
                    Kind.REFUSED,
                    "the memory of epoch " + epoch + " is not complete: "
                            + e.getCause().getMessage(),
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new HypervisorException(Kind.UNKNOWN, "the wait for epoch " + epoch + " was interrupted", e);
        }
    }

    @Override
    public void stop() throws HypervisorException {
        close();
        try {
            thread.join(Monitor.QUICK.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (thread.isAlive()) {
            throw new HypervisorException(
                    Kind.UNKNOWN,
                    "the memory of epoch " + epoch + " is still being written; look at the storage under it");
        }
    }

    /** Nobody writes into the file any more when it returns. */
    private void closeFile() {
        try {
            file.close();
        } catch (IOException e) {
            received.completeExceptionally(e);
        }
    }

    @Override
    public void close() {
        try {
            listener.close();
        } catch (IOException e) {
            // The next epoch has another one.
        }
        closeFile();
        received.completeExceptionally(new IOException("it was cut off"));
    }
}
