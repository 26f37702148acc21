package dev.holdfast.agent.image;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;

/** Writes an encrypted image. One thread at a time. */
public final class ImageWriter {
    private static final int PIECE = 256 << 10;

    private final WritableByteChannel file;
    private final Records records;
    private final byte[] content = new byte[Records.CONTENT];
    private int filled;
    private long number;

    private ImageWriter(WritableByteChannel file, Records records) {
        this.file = file;
        this.records = records;
    }

    /**
     * Begins an image.
     *
     * @param file empty
     */
    public static ImageWriter begin(WritableByteChannel file, MemoryKey key) throws IOException {
        ImageHead head = ImageHead.fresh();
        ImageWriter writer = new ImageWriter(file, head.records());
        writer.write(head.encode(key), ImageHead.LENGTH);
        return writer;
    }

    /** Takes what comes until its end, and writes each record that is full. */
    public void take(ReadableByteChannel memory) throws IOException {
        // The kernel copies into direct buffers alone.
        ByteBuffer piece = ByteBuffer.allocateDirect(PIECE);
        while (memory.read(piece) >= 0) {
            piece.flip();
            while (piece.hasRemaining()) {
                int length = Math.min(piece.remaining(), content.length - filled);
                piece.get(content, filled, length);
                filled += length;
                if (filled == content.length) {
                    record(false);
                }
            }
            piece.clear();
        }
    }

    /** Writes the last record: without it the image is one that was cut off. Once, when it is certain that all has come. */
    public void complete() throws IOException {
        record(true);
    }

    private void record(boolean last) throws IOException {
        records.seal(number, last, content, filled, this::write);
        number++;
        filled = 0;
    }

    private void write(byte[] bytes, int length) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes, 0, length);
        while (buffer.hasRemaining()) {
            file.write(buffer);
        }
    }
}
