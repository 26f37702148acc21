package dev.holdfast.agent.cow;

import dev.holdfast.agent.files.FileBytes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/** Writes into a new file and leaves holes where there are only zeros. */
final class SparseWriter {
    private static final int BLOCK = 4096;
    private static final int CHUNK = 1 << 20;
    private static final ByteBuffer ZEROS = ByteBuffer.allocateDirect(BLOCK).asReadOnlyBuffer();

    private final FileChannel channel;
    private final ByteBuffer chunk = ByteBuffer.allocateDirect(CHUNK);

    SparseWriter(FileChannel channel) {
        this.channel = channel;
    }

    /** Copies bytes of a layer's file; its holes are not read. */
    void copy(Layer from, long offset, long to, long bytes) throws IOException {
        DataMap data = from.data();
        long end = offset + bytes;
        for (long at = data.nextData(offset); at < end; at = data.nextData(at)) {
            long stop = Math.min(end, data.endOfData(at));
            while (at < stop) {
                chunk.clear().limit((int) Math.min(CHUNK, stop - at));
                from.read(chunk, at);
                int read = chunk.limit();
                write(chunk, to + at - offset);
                at += read;
            }
        }
    }

    /** Writes all of a buffer but the blocks of the file that would be zero. */
    void write(ByteBuffer bytes, long offset) throws IOException {
        int length = bytes.limit();
        int pending = 0;
        for (int at = 0; at < length; ) {
            int next = Math.min(length, at + BLOCK - (int) ((offset + at) % BLOCK));
            if (isZero(bytes, at, next)) {
                FileBytes.write(channel, bytes.slice(pending, at - pending), offset + pending);
                pending = next;
            }
            at = next;
        }
        FileBytes.write(channel, bytes.slice(pending, length - pending), offset + pending);
    }

    private static boolean isZero(ByteBuffer bytes, int from, int to) {
        return bytes.slice(from, to - from).mismatch(ZEROS.slice(0, to - from)) < 0;
    }

    /** Gives the file its length. */
    void extend(long length) throws IOException {
        if (channel.size() < length) {
            FileBytes.write(channel, ByteBuffer.allocate(1), length - 1);
        }
    }
}
