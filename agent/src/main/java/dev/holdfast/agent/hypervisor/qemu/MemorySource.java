package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.image.ImageReader;
import dev.holdfast.agent.image.MemoryKeys;
import java.io.Closeable;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.file.Path;

/** What QEMU reads a memory image from. One thread. */
interface MemorySource extends Closeable {

    /**
     * Opens an image, encrypted or not.
     *
     * @throws IOException it cannot be read, or no key of this node fits, or its head is damaged; the message says which
     */
    static MemorySource open(Path image, MemoryKeys keys) throws IOException {
        if (!ImageReader.isEncrypted(image)) {
            return new Plain(new FileInputStream(image.toFile()));
        }
        ImageReader reader = ImageReader.open(image, keys);
        try {
            return DecryptedMemory.of(reader);
        } catch (IOException e) {
            reader.close();
            throw e;
        }
    }

    /** What QEMU reads from. */
    FileDescriptor descriptor() throws IOException;

    /** QEMU has its own descriptor now. */
    default void handedOver() throws IOException {}

    /**
     * QEMU has said that it has read everything, or gave up.
     *
     * @throws IOException what it was given is not all that was written once; the message says why
     */
    default void end() throws IOException {}

    /** The file itself. */
    record Plain(FileInputStream file) implements MemorySource {
        @Override
        public FileDescriptor descriptor() throws IOException {
            return file.getFD();
        }

        @Override
        public void close() throws IOException {
            file.close();
        }
    }
}
