package dev.holdfast.agent.image;

import dev.holdfast.agent.hypervisor.Progress;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.GeneralSecurityException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Reads an encrypted image. One thread; any may close. */
public final class ImageReader implements Closeable {
    private static final int SEALED = Records.CONTENT + Records.TAG;

    private final Path path;
    private final FileChannel file;
    private final Records records;
    private final long bytes;

    private ImageReader(Path path, FileChannel file, Records records, long bytes) {
        this.path = path;
        this.file = file;
        this.records = records;
        this.bytes = bytes;
    }

    /** Whether a file is an encrypted image, as it says itself. */
    public static boolean isEncrypted(Path path) throws IOException {
        try (FileChannel file = FileChannel.open(path, StandardOpenOption.READ)) {
            return ImageHead.isOne(start(file, ImageHead.MAGIC_LENGTH));
        }
    }

    /**
     * Opens an encrypted image.
     *
     * @throws ImageException no key here fits, or it is damaged
     */
    public static ImageReader open(Path path, MemoryKeys keys) throws IOException {
        FileChannel file = FileChannel.open(path, StandardOpenOption.READ);
        try {
            byte[] head = start(file, ImageHead.LENGTH);
            long bytes = file.size() - ImageHead.LENGTH;
            if (!ImageHead.isOne(head) || bytes < 0) {
                throw damaged(path, "its head is cut off", null);
            }
            if (!ImageHead.isKnown(ImageHead.version(head))) {
                throw new ImageException(
                        "%s is an encrypted image of version %d, which this Holdfast does not know: update it"
                                .formatted(path, ImageHead.version(head)));
            }
            if (bytes % SEALED < Records.TAG) {
                throw damaged(path, "its length is none that was written", null);
            }
            MemoryKey key = key(path, ImageHead.keyId(head), keys);
            return new ImageReader(path, file, ImageHead.decode(head, key).records(), bytes);
        } catch (GeneralSecurityException e) {
            file.close();
            throw damaged(path, "its head is not what was written", e);
        } catch (IOException e) {
            file.close();
            throw e;
        }
    }

    private static MemoryKey key(Path path, String id, MemoryKeys keys) throws MissingKeyException {
        Optional<MemoryKey> key = keys.find(id);
        if (key.isEmpty()) {
            throw new MissingKeyException(
                    ("%s is encrypted with key %s, and this node has %s; put that key's file here, name it in"
                                    + " \"checkpoint.memory_key_file\" or \"checkpoint.old_memory_key_files\", and"
                                    + " restart the agent")
                            .formatted(path, id, keys.isEmpty() ? "no key for memory images" : "only others"));
        }
        return key.get();
    }

    private static ImageException damaged(Path path, String why, @Nullable Throwable cause) {
        return new ImageException("%s is damaged: %s; restore it from a copy".formatted(path, why), cause);
    }

    private static byte[] start(FileChannel file, int length) throws IOException {
        ByteBuffer start = ByteBuffer.allocate(length);
        fill(file, start);
        return start.array();
    }

    /** Writes the memory to its end. What is written is proven; what comes after damage is not written. */
    public void writeTo(WritableByteChannel memory, Progress progress) throws IOException {
        ByteBuffer sealed = ByteBuffer.allocate(SEALED);
        byte[] content = new byte[Records.CONTENT];
        long last = bytes / SEALED;
        file.position(ImageHead.LENGTH);
        for (long number = 0; number <= last; number++) {
            sealed.clear().limit((int) Math.min(SEALED, bytes - number * SEALED));
            fill(file, sealed);
            int length = open(number, number == last, sealed, content);
            ByteBuffer proven = ByteBuffer.wrap(content, 0, length);
            while (proven.hasRemaining()) {
                memory.write(proven);
            }
            progress.at(number * SEALED + sealed.position(), bytes);
        }
    }

    private int open(long number, boolean last, ByteBuffer sealed, byte[] content) throws ImageException {
        try {
            return records.open(number, last, sealed.array(), sealed.position(), content);
        } catch (RecordException e) {
            throw damaged(
                    path, "record %d of %d is not what was written there".formatted(number + 1, bytes / SEALED + 1), e);
        }
    }

    private static void fill(FileChannel file, ByteBuffer buffer) throws IOException {
        while (buffer.hasRemaining() && file.read(buffer) >= 0) {
            // What is missing at the end is noticed by what is there instead.
            continue;
        }
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
