package dev.holdfast.coordinator.port;

import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiFunction;

/**
 * Requests between agents: work that decides nothing, such as handing a caller's wish to the leader or verifying a part on
 * another node. Encrypted and authenticated like the group channel. Thread-safe.
 */
public interface NodeLink {

    /** The node is not in the group: the request never left. */
    final class AbsentException extends IOException {
        private static final long serialVersionUID = 1L;

        /** @param node that is not there */
        public AbsentException(Name node) {
            super("node " + node + " is not in the group");
        }
    }

    /** The request was not begun: it is too long, or the other agent is too busy. */
    final class NotServedException extends IOException {
        private static final long serialVersionUID = 1L;

        /** @param message why */
        public NotServedException(String message) {
            super(message);
        }
    }

    /**
     * Sends a request, at most once. Fails with {@link AbsentException} if it never left and with {@link NotServedException}
     * if it was not begun; after any other failure, a {@code TimeoutException} among them, nobody knows whether it was
     * done.
     *
     * @param payload at most 1 MiB
     */
    CompletableFuture<byte[]> request(Name node, byte[] payload, Duration timeout);

    /** Registers what answers requests; called on a thread of its own that may block. */
    void serve(BiFunction<Name, byte[], byte[]> handler);
}
