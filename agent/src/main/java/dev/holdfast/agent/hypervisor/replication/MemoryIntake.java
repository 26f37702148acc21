package dev.holdfast.agent.hypervisor.replication;

import java.io.IOException;
import java.nio.channels.WritableByteChannel;

/**
 * Takes the memory of one epoch. Closed without {@link #end()} it never becomes complete. One thread writes; any may close.
 */
public interface MemoryIntake extends WritableByteChannel {
    /** All has come: on stable storage when it returns. */
    void end() throws IOException;
}
