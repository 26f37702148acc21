package dev.holdfast.coordinator.zookeeper;

import dev.holdfast.coordinator.protocol.Refusal;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Optional;
import org.apache.jute.BinaryOutputArchive;
import org.apache.zookeeper.MultiOperationRecord;
import org.apache.zookeeper.Op;

/**
 * What a multi weighs on the wire. A server cuts off a client that sends it more than {@code jute.maxbuffer}, 1 MiB unless somebody has
 * changed that, and the client cannot tell that from a lost connection: it would try again for ever.
 */
final class Weight {
    /** What ZooKeeper adds to it stays below the rest. */
    private static final int LARGEST = 1_040_000;

    private Weight() {}

    /** Why ZooKeeper would not take these operations, if it would not. */
    static Optional<Refusal> tooMuch(List<Op> operations, int machines) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try {
            new MultiOperationRecord(operations).serialize(BinaryOutputArchive.getArchive(bytes), "request");
        } catch (IOException never) {
            throw new UncheckedIOException(never);
        }
        return bytes.size() <= LARGEST
                ? Optional.empty()
                : Optional.of(Refusal.preflight(
                        "what is to be written of %d machines has %d bytes, and ZooKeeper takes %d at a time; make smaller groups"
                                .formatted(machines, bytes.size(), LARGEST)));
    }
}
