package dev.holdfast.coordinator.port;

import dev.holdfast.coordinator.protocol.Name;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiFunction;

/**
 * Requests between agents: work that decides nothing, such as handing a caller's wish to the leader or verifying a part on
 * another node. Encrypted and authenticated like the group channel. Thread-safe.
 */
public interface NodeLink {

    /**
     * Sends a request. At most once; a lost request or answer ends in a {@code TimeoutException}.
     *
     * @param payload at most 1 MiB
     */
    CompletableFuture<byte[]> request(Name node, byte[] payload, Duration timeout);

    /** Registers what answers requests; called on a thread of its own that may block. */
    void serve(BiFunction<Name, byte[], byte[]> handler);
}
