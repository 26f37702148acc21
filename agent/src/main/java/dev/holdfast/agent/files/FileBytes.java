package dev.holdfast.agent.files;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Reads and writes at places of a file, as much as was asked for, and flushes. Thread-safe. */
public final class FileBytes {
    private FileBytes() {}

    /** Fills a buffer from its start, up to the end of the file; what was read is then between position and limit. */
    public static void fill(FileChannel channel, ByteBuffer buffer, long offset) throws IOException {
        int read = 0;
        while (buffer.hasRemaining() && read >= 0) {
            read = channel.read(buffer, offset + buffer.position());
        }
        buffer.flip();
    }

    /** Writes what is between position and limit. */
    public static void write(FileChannel channel, ByteBuffer bytes, long offset) throws IOException {
        long at = offset;
        while (bytes.hasRemaining()) {
            at += channel.write(bytes, at);
        }
    }

    /** Makes a file durable, whoever wrote it. Takes as long as the storage takes for what is in memory. */
    public static void flush(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }
}
