package dev.holdfast.agent.snapshot;

import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;

/**
 * What the cluster has recorded of memory images. Whoever may write beside an image can make its sidecar say what he likes, but
 * not this. May block on the store. Thread-safe.
 */
public interface RecordedMemory {

    /** Nothing is recorded. */
    RecordedMemory NONE = (vm, snapshot) -> false;

    /**
     * Whether an image was encrypted when it was taken.
     *
     * @return false if nothing is recorded of it, as of a snapshot that is no part of a checkpoint
     * @throws IOException nobody tells; the message says what to do
     */
    boolean wasEncrypted(Name vm, Name snapshot) throws IOException;
}
