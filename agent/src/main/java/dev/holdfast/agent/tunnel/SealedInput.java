package dev.holdfast.agent.tunnel;

import dev.holdfast.coordinator.seal.Seal;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** Takes sealed messages from a stream, as many bytes at a time as have come. One thread. */
final class SealedInput {
    private static final int HEADER = Integer.BYTES;
    private static final int ROOM = 2 * (HEADER + SealedConnection.MOST + Seal.TAG);

    private final InputStream in;
    private final Seal seal;
    private int most = SealedConnection.MOST_OF_A_STRANGER;
    private byte[] buffer = new byte[HEADER + SealedConnection.MOST_OF_A_STRANGER + Seal.TAG];
    private int start;
    private int end;

    SealedInput(InputStream in, Seal seal) {
        this.in = in;
        this.seal = seal;
    }

    /** The other end has proved that it knows the secret: its messages may be long. */
    void trust() {
        most = SealedConnection.MOST;
    }

    /** The next message, null if the other end has sent all. */
    byte @Nullable [] next() throws IOException {
        byte[] message = new byte[await()];
        take(message);
        return message.length == 0 ? null : message;
    }

    /**
     * Takes the next message.
     *
     * @param into has room for the longest one
     * @return bytes of it, -1 if the other end has sent all
     */
    int next(byte[] into) throws IOException {
        int length = await();
        take(into);
        return length == 0 ? -1 : length;
    }

    /** Waits until the next message is here as a whole; how long it is. */
    private int await() throws IOException {
        fill(HEADER);
        int length = ByteBuffer.wrap(buffer).getInt(start);
        if (length < Seal.TAG || length > most + Seal.TAG) {
            throw new IOException("a message of " + length + " bytes came through the tunnel");
        }
        fill(HEADER + length);
        return length - Seal.TAG;
    }

    private void take(byte[] into) throws IOException {
        int length = ByteBuffer.wrap(buffer).getInt(start);
        seal.open(buffer, start + HEADER, length, into, 0);
        start += HEADER + length;
    }

    private void fill(int needed) throws IOException {
        if (start == end) {
            start = 0;
            end = 0;
        }
        if (start + needed > buffer.length) {
            byte[] next = needed > buffer.length ? new byte[ROOM] : buffer;
            System.arraycopy(buffer, start, next, 0, end - start);
            buffer = next;
            end -= start;
            start = 0;
        }
        while (end - start < needed) {
            int count = in.read(buffer, end, buffer.length - end);
            if (count < 0) {
                throw new EOFException("the connection was cut off");
            }
            end += count;
        }
    }
}
