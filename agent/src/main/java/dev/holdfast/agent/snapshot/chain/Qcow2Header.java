package dev.holdfast.agent.snapshot.chain;

import dev.holdfast.agent.files.FileBytes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/**
 * The fields of a qcow2 header that a chain rests on, read without opening the image: QEMU may be writing it. Offsets from
 * QEMU's docs/interop/qcow2.txt. Immutable.
 *
 * @param version 2 or 3
 * @param virtualBytes the size that the guest sees
 * @param backing the backing file's name exactly as it stands there
 * @param externalData the data is in another file
 */
record Qcow2Header(int version, long virtualBytes, Optional<String> backing, boolean externalData) {
    private static final int MAGIC = 0x514649fb;
    private static final int FIXED_BYTES = 80;
    private static final int SMALLEST = 72;
    private static final int LONGEST_NAME = 1023;
    private static final long EXTERNAL_DATA_BIT = 1L << 2;

    /** @throws ChainException if the file is not qcow2, naming it */
    static Qcow2Header read(Path image) throws IOException {
        try (FileChannel channel = FileChannel.open(image, StandardOpenOption.READ)) {
            ByteBuffer header = ByteBuffer.allocate(FIXED_BYTES);
            FileBytes.fill(channel, header, 0);
            if (header.remaining() < SMALLEST || header.getInt(0) != MAGIC) {
                throw new ChainException(image + " is not a qcow2 image; convert it with"
                        + " \"qemu-img convert -O qcow2 OLD NEW\" while the machine is stopped");
            }
            int version = header.getInt(4);
            long nameOffset = header.getLong(8);
            int nameBytes = header.getInt(16);
            long incompatible = version >= 3 && header.remaining() >= FIXED_BYTES ? header.getLong(72) : 0;
            return new Qcow2Header(
                    version,
                    header.getLong(24),
                    nameOffset == 0 ? Optional.empty() : Optional.of(name(image, channel, nameOffset, nameBytes)),
                    (incompatible & EXTERNAL_DATA_BIT) != 0);
        }
    }

    private static String name(Path image, FileChannel channel, long offset, int bytes) throws IOException {
        if (bytes < 1 || bytes > LONGEST_NAME) {
            throw new ChainException(
                    image + " is damaged: its backing file's name has " + bytes + " bytes; try \"qemu-img check\"");
        }
        if (offset < 0 || offset > Long.MAX_VALUE - bytes) {
            throw new ChainException(image + " is damaged: its backing file's name is said to be at " + offset
                    + "; try \"qemu-img check\"");
        }
        ByteBuffer name = ByteBuffer.allocate(bytes);
        FileBytes.fill(channel, name, offset);
        if (name.remaining() < bytes) {
            throw new ChainException(image + " is truncated inside its header; restore it from a copy");
        }
        return StandardCharsets.UTF_8.decode(name).toString();
    }
}
