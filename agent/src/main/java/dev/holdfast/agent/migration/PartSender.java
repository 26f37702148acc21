package dev.holdfast.agent.migration;

import dev.holdfast.agent.snapshot.chain.Freight;
import dev.holdfast.agent.tunnel.Gateway;
import dev.holdfast.agent.tunnel.SealedConnection;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

/** Sends files through a tunnel, each over a connection of its own, not faster than allowed. {@link #sent()} from any thread. */
final class PartSender {
    private final Gateway gateway;
    private final Path directory;
    private final long bytesPerSecond;
    private final LongSupplier nanoClock;
    private final AtomicLong sent = new AtomicLong();
    private final long begin;

    PartSender(Gateway gateway, Path directory, long bytesPerSecond, LongSupplier nanoClock) {
        this.gateway = gateway;
        this.directory = directory;
        this.bytesPerSecond = bytesPerSecond;
        this.nanoClock = nanoClock;
        this.begin = nanoClock.getAsLong();
    }

    long sent() {
        return sent.get();
    }

    /** Returns when the other node has it on its disk. */
    void send(Freight.Part part) throws IOException {
        SealedConnection connection = gateway.call(OutgoingDisks.PART + part.path());
        try (FileChannel file = FileChannel.open(directory.resolve(part.path()), StandardOpenOption.READ)) {
            ByteBuffer buffer = ByteBuffer.allocate(SealedConnection.MOST);
            while (file.read(buffer) >= 0) {
                connection.send(buffer.array(), 0, buffer.position());
                sent.addAndGet(buffer.position());
                buffer.clear();
                slowDown();
            }
            connection.end();
            byte[] answer = connection.receive();
            if (answer == null || answer.length != 1) {
                throw new IOException(part.path() + " was not taken");
            }
        } finally {
            gateway.end(connection);
        }
    }

    private void slowDown() {
        long due = (long) (sent.get() * (double) TimeUnit.SECONDS.toNanos(1) / bytesPerSecond);
        long early = due - (nanoClock.getAsLong() - begin);
        if (early > 0) {
            LockSupport.parkNanos(early);
        }
    }
}
