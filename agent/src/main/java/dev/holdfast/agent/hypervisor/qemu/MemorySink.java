package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.image.MemoryKey;
import java.io.FileDescriptor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/** Where the memory stream of a capture goes. One thread, but {@link #cutOff} from any. */
interface MemorySink extends AutoCloseable {

    /**
     * Makes the image and reserves its space.
     *
     * @param memoryBytes RAM of the machine
     * @param key with which it is encrypted; empty: not
     */
    static MemorySink create(Path path, long memoryBytes, Optional<MemoryKey> key) throws HypervisorException {
        MemoryFile file = MemoryFile.create(path, memoryBytes);
        return key.isPresent() ? EncryptedMemory.upon(file, key.get()) : file;
    }

    /** What QEMU writes to. */
    FileDescriptor descriptor() throws IOException;

    /** QEMU has its own descriptor now. */
    default void handedOver() throws IOException {}

    /** Ends the stream at once, if it goes through this process, and the wait for the storage: nobody waits then. What has come is no image. */
    void cutOff();

    /** Why the stream was cut off from this side; empty if it was not. */
    default Optional<String> failure() {
        return Optional.empty();
    }

    /** QEMU has written everything: gives back what was reserved and not used, and makes the rest durable. Size in bytes. */
    long seal() throws HypervisorException;

    /** Nothing is left of it. */
    void remove() throws HypervisorException;

    /** The file stays. */
    @Override
    void close();
}
