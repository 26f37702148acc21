package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.image.ImageException;
import dev.holdfast.agent.image.ImageReader;
import java.io.FileDescriptor;
import java.io.IOException;
import java.time.Duration;

/**
 * An encrypted image that a thread of its own decrypts on its way to QEMU, which gets no byte that is not proven.
 *
 * @param reader of the image
 * @param conveyor to QEMU
 */
record DecryptedMemory(ImageReader reader, Conveyor conveyor) implements MemorySource {
    /** QEMU reads to the end of what was written, so little is left then. */
    private static final Duration REST = Duration.ofSeconds(10);

    /** @param reader closed along with this */
    static DecryptedMemory of(ImageReader reader) throws IOException {
        Conveyor conveyor = Conveyor.start("holdfast-decrypt", stream -> {
            reader.writeTo(stream.own(), Progress.NONE);
            stream.endOutput();
        });
        return new DecryptedMemory(reader, conveyor);
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
    public void end() throws IOException {
        if (conveyor.isOver(REST) && conveyor.isDone()) {
            return;
        }
        Throwable failure = conveyor.failure().orElse(null);
        if (failure instanceof ImageException damage) {
            throw damage;
        }
        if (failure != null && !(failure instanceof IOException)) {
            throw new ImageException("the agent itself failed when it decrypted the image: " + failure, failure);
        }
        throw new IOException("QEMU has not read all of it", failure);
    }

    /** Does not wait for a thread that hangs inside a read: that closes the image when it goes on. */
    @Override
    public void close() {
        conveyor.close(reader);
    }
}
