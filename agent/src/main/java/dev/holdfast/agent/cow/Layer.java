package dev.holdfast.agent.cow;

import dev.holdfast.agent.files.FileBytes;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.BitSet;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** An open file of a chain: a COW file, or the raw image at its end. */
final class Layer implements Closeable {
    /** S_IFMT, S_IFREG and S_IFBLK of stat(2). */
    private static final int TYPE = 0_170000;

    private static final int REGULAR = 0_100000;
    private static final int BLOCK_DEVICE = 0_060000;

    private final Path file;
    private final FileChannel channel;
    private final Facts facts;
    private final @Nullable CowHeader header;
    private @Nullable DataMap data;
    private @Nullable FileLock lock;

    private record Facts(Object key, long bytes, int seconds) {}

    private Layer(Path file, FileChannel channel, Facts facts, @Nullable CowHeader header) {
        this.file = file;
        this.channel = channel;
        this.facts = facts;
        this.header = header;
    }

    /** @throws CowException if it is not there, is no file, or no COW file that can be understood */
    static Layer openCow(Path file) throws IOException {
        return open(file, channel -> true);
    }

    /**
     * Opens the file below a COW file. It is a raw image if it has the size that is recorded above it, whatever is in it, or if it does not
     * begin as COW files do.
     *
     * @throws CowException as {@link #openCow}
     */
    static Layer openBelow(Path file, long recordedBytes) throws IOException {
        return open(file, channel -> channel.size() != recordedBytes && CowHeader.begins(channel));
    }

    private interface Recognition {
        boolean isCow(FileChannel channel) throws IOException;
    }

    private static Layer open(Path file, Recognition recognition) throws IOException {
        requireFile(file);
        FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
        try {
            CowHeader header = recognition.isCow(channel) ? CowHeader.read(file, channel) : null;
            return new Layer(file, channel, facts(file, channel), header);
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    /** A pipe would be waited for, and a directory fails late. */
    private static void requireFile(Path file) throws IOException {
        int type;
        try {
            type = (int) Files.getAttribute(file, "unix:mode") & TYPE;
        } catch (NoSuchFileException e) {
            throw new CowException(file + " is not there", e);
        } catch (FileSystemException e) {
            throw new CowException(file + " cannot be looked at (" + e.getReason() + "); name another image", e);
        }
        if (type != REGULAR && type != BLOCK_DEVICE) {
            throw new CowException(file + " is neither a file nor a block device; name an image");
        }
    }

    private static Facts facts(Path file, FileChannel channel) throws IOException {
        BasicFileAttributes found = Files.readAttributes(file, BasicFileAttributes.class);
        return new Facts(
                found.fileKey(), channel.size(), (int) found.lastModifiedTime().to(TimeUnit.SECONDS));
    }

    Path file() {
        return file;
    }

    /** Empty for a raw image. */
    Optional<CowHeader> header() {
        return Optional.ofNullable(header);
    }

    /** Length of the file, also of a block device. */
    long fileBytes() {
        return facts.bytes;
    }

    /** Size of the device that this layer, with those below it, makes up. */
    long deviceBytes() {
        return header == null ? facts.bytes : header.deviceBytes();
    }

    /** When it was changed, seconds since 1970 modulo 2^32, as headers have it. */
    int seconds() {
        return facts.seconds;
    }

    /** Whether the file reaches to the end of the device. */
    boolean isComplete() {
        return header == null || facts.bytes >= header.fileBytes();
    }

    boolean isSameFile(Layer other) {
        return facts.key.equals(other.facts.key);
    }

    /** Keeps User-Mode Linux from writing to it until it is closed. */
    void lock() throws IOException {
        if (lock != null) {
            return;
        }
        try {
            lock = channel.tryLock(0, Long.MAX_VALUE, true);
        } catch (OverlappingFileLockException e) {
            throw new CowException(file + " is in use: another thread of this program merges it; try again later", e);
        }
        if (lock == null) {
            throw new CowException(file
                    + " is in use: a program, probably User-Mode Linux, has locked it for writing; end that first");
        }
    }

    /** @throws CowException if the file was changed or replaced since it was opened */
    void requireUnchanged() throws IOException {
        if (!facts(file, channel).equals(facts)) {
            throw new CowException(file + " was changed while it was read; end what writes to it, and try again");
        }
    }

    /** Place of a sector in the file. */
    long offset(long sector) {
        return (header == null ? 0 : header.dataOffset()) + sector * CowHeader.SECTOR;
    }

    /**
     * Which sectors are in this layer, as far as the file goes.
     *
     * @param first a multiple of eight
     * @param count of sectors that are asked about; the first is bit 0 of the answer
     */
    BitSet written(long first, int count) throws IOException {
        BitSet bits = new BitSet(count);
        if (header == null) {
            bits.set(0, count);
            return bits;
        }
        long offset = header.bitmapOffset() + first / Byte.SIZE;
        long end = Math.min(header.bitmapOffset() + header.bitmapBytes(), facts.bytes);
        int bytes = (int) Math.min((count + Byte.SIZE - 1L) / Byte.SIZE, Math.max(0, end - offset));
        if (bytes == 0 || data().nextData(offset) >= offset + bytes) {
            return bits;
        }
        ByteBuffer bitmap = ByteBuffer.allocate(bytes);
        read(bitmap, offset);
        bits = BitSet.valueOf(bitmap);
        bits.clear(count, Math.max(count, bits.length()));
        return bits;
    }

    /**
     * Fills a buffer up to its limit, and flips it.
     *
     * @throws CowException if the file ends before that: it was cut meanwhile
     */
    void read(ByteBuffer buffer, long offset) throws IOException {
        int wanted = buffer.remaining();
        FileBytes.fill(channel, buffer, offset);
        if (buffer.remaining() < wanted) {
            throw new CowException(file + " became shorter while it was read; end what writes to it, and try again");
        }
    }

    /** Where the file has data. */
    DataMap data() {
        if (data == null) {
            data = DataMap.of(file, facts.bytes);
        }
        return data;
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
