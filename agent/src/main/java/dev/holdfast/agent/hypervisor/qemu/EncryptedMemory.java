package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.image.ImageWriter;
import dev.holdfast.agent.image.MemoryKey;
import java.io.FileDescriptor;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;

/** A memory image that a thread of its own encrypts on its way from QEMU to the file. */
final class EncryptedMemory implements MemorySink {
    /** For what QEMU had written when it said that it was done: some hundred KiB, and the storage may be slow. */
    private static final Duration REST = Duration.ofMinutes(1);

    private final MemoryFile file;
    private final ImageWriter writer;
    private final Conveyor conveyor;
    private volatile boolean cutOff;

    /** @param conveyor feeds the writer */
    EncryptedMemory(MemoryFile file, ImageWriter writer, Conveyor conveyor) {
        this.file = file;
        this.writer = writer;
        this.conveyor = conveyor;
    }

    static EncryptedMemory upon(MemoryFile file, MemoryKey key) throws HypervisorException {
        try {
            ImageWriter writer = ImageWriter.begin(file.channel(), key);
            return new EncryptedMemory(
                    file, writer, Conveyor.start("holdfast-encrypt", stream -> writer.take(stream.own())));
        } catch (IOException e) {
            file.remove();
            throw new HypervisorException(
                    Kind.REFUSED, "cannot begin to encrypt the memory image " + file + ": " + e.getMessage(), e);
        }
    }

    @Override
    public FileDescriptor descriptor() throws IOException {
        return conveyor.descriptor();
    }

    @Override
    public void handedOver() throws IOException {
        conveyor.handedOver();
    }

    @Override
    public void cutOff() {
        cutOff = true;
        conveyor.close();
        file.cutOff();
    }

    @Override
    public Optional<String> failure() {
        return cutOff
                ? Optional.empty()
                : conveyor.failure()
                        .map(e -> "the agent could not write what it encrypts: "
                                + (e instanceof IOException ? e.getMessage() : e));
    }

    @Override
    public long seal() throws HypervisorException {
        try {
            if (!conveyor.isOver(REST)) {
                throw new HypervisorException(
                        Kind.UNKNOWN,
                        "the rest of " + file + " has not been written for " + REST.toSeconds()
                                + " s; look at the storage under it");
            }
            Optional<String> why = failure();
            if (!conveyor.isDone() || why.isPresent() || cutOff) {
                throw new HypervisorException(Kind.FAILED, file + ": " + why.orElse("the stream was cut off"));
            }
            writer.complete();
        } catch (IOException e) {
            throw new HypervisorException(Kind.FAILED, "cannot end the image " + file + ": " + e.getMessage(), e);
        }
        return file.seal();
    }

    /**
     * Does not wait for a thread that hangs inside a write: the name goes at once, and the bytes when the thread lets go of the
     * file. Storage that hangs may keep the removal of the name itself.
     */
    @Override
    public void remove() throws HypervisorException {
        cutOff();
        conveyor.close(file::close);
        file.removeName();
    }

    /** Does not wait for a thread that hangs inside a write: that closes the file when it goes on. */
    @Override
    public void close() {
        conveyor.close(file::close);
    }
}
