package dev.holdfast.agent.cow;

import dev.holdfast.agent.files.FileBytes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * What the header of a COW file says. Immutable.
 *
 * @param layout version and form
 * @param backing name of the backing file as it stands there
 * @param backingSeconds when the backing file was changed, seconds since 1970 modulo 2^32
 * @param deviceBytes size of the device, which is that of the backing file, from 0
 * @param alignment of bitmap and data in the file, from 1
 */
record CowHeader(CowLayout layout, String backing, int backingSeconds, long deviceBytes, int alignment) {
    /** What User-Mode Linux counts in, whatever the header says. */
    static final int SECTOR = 512;
    /** What {@code uml_mkcow} and User-Mode Linux align new files to. */
    static final int ALIGNMENT = 4096;

    private static final int MAGIC = 0x4f4f4f4d;
    private static final int VERSION_END = 8;
    private static final int BITMAP_FORMAT = 0;
    private static final int LONGEST_HEADER = 4136;
    /** With this, no sum of offsets in a file can pass 63 bits. */
    private static final long LARGEST_DEVICE = 1L << 61;

    /** The header that a new file gets. */
    static CowHeader ofNew(String backing, int backingSeconds, long deviceBytes) {
        return new CowHeader(CowLayout.V3, backing, backingSeconds, deviceBytes, ALIGNMENT);
    }

    /** Whether a file begins as COW files do. */
    static boolean begins(FileChannel channel) throws IOException {
        ByteBuffer start = ByteBuffer.allocate(Integer.BYTES);
        FileBytes.fill(channel, start, 0);
        return start.remaining() == Integer.BYTES && ordered(start);
    }

    /** @throws CowException if it is no COW file, or none that can be understood */
    static CowHeader read(Path file, FileChannel channel) throws IOException {
        ByteBuffer header = ByteBuffer.allocate(LONGEST_HEADER);
        FileBytes.fill(channel, header, 0);
        int found = header.remaining();
        if (found < VERSION_END || !ordered(header)) {
            throw new CowException(
                    file + " is not a COW file of User-Mode Linux: it does not begin with its magic number;"
                            + " name a file that uml_mkcow or User-Mode Linux made");
        }
        CowLayout layout = layout(file, header);
        if (found < layout.headerBytes) {
            throw new CowException(
                    "%s is truncated: its header of version %d has %d bytes, and the file only %d; restore it from a copy"
                            .formatted(file, layout.version, layout.headerBytes, found));
        }
        String backing = backing(file, header, layout);
        if (layout != CowLayout.V1) {
            header.order(ByteOrder.BIG_ENDIAN);
        }
        int alignment = layout.alignmentOffset < 0 ? SECTOR : header.getInt(layout.alignmentOffset);
        long size = header.getLong(layout.sizeOffset);
        if (size < 0 || size > LARGEST_DEVICE) {
            throw damaged(file, "its device would have %s bytes".formatted(Long.toUnsignedString(size)));
        }
        int sector = header.getInt(layout.sectorSizeOffset);
        if (sector != SECTOR) {
            throw damaged(
                    file, "its sectors would have %d bytes, and User-Mode Linux knows only 512".formatted(sector));
        }
        if (alignment < 1) {
            throw damaged(file, "its data would be aligned to %d bytes".formatted(alignment));
        }
        int format = layout.alignmentOffset < 0 ? BITMAP_FORMAT : header.getInt(layout.alignmentOffset + Integer.BYTES);
        if (format != BITMAP_FORMAT) {
            throw new CowException(
                    "%s is of the format %d, and only 0 (a bitmap) is known; merge it with the program that made it"
                            .formatted(file, format));
        }
        return new CowHeader(layout, backing, header.getInt(layout.timeOffset), size, alignment);
    }

    /** Sets the byte order that the magic number is in; false if it is in none. */
    private static boolean ordered(ByteBuffer header) {
        if (header.getInt(0) == MAGIC) {
            return true;
        }
        header.order(ByteOrder.LITTLE_ENDIAN);
        return header.getInt(0) == MAGIC;
    }

    private static CowLayout layout(Path file, ByteBuffer header) throws CowException {
        int version = header.getInt(Integer.BYTES);
        return switch (version) {
            case 1 -> CowLayout.V1;
            case 2 -> CowLayout.V2;
            case 3 -> isShifted(header) ? CowLayout.V3_SHIFTED : CowLayout.V3;
            default ->
                throw new CowException(
                        ("%s is of version %s, and only 1 to 3 are known; if it is no COW file, name another,"
                                        + " else merge it with the program that made it")
                                .formatted(file, Integer.toUnsignedString(version)));
        };
    }

    /** The format, which is zero, is then where the path would begin, which is never empty. */
    private static boolean isShifted(ByteBuffer header) {
        int path = CowLayout.V3.pathOffset;
        return header.remaining() >= path + Integer.BYTES && header.getInt(path) == 0;
    }

    private static String backing(Path file, ByteBuffer header, CowLayout layout) throws CowException {
        int length = 0;
        while (length < layout.pathBytes && header.get(layout.pathOffset + length) != 0) {
            length++;
        }
        if (length == layout.pathBytes) {
            throw damaged(file, "the name of its backing file has no end within %d bytes".formatted(layout.pathBytes));
        }
        if (length == 0) {
            throw damaged(file, "it names no backing file");
        }
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(header.slice(layout.pathOffset, length))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new CowException(
                    file + " has a backing file whose name is not UTF-8; rename that file, and name it with --base", e);
        }
    }

    private static CowException damaged(Path file, String why) {
        return new CowException("the header of %s is damaged: %s; restore it from a copy".formatted(file, why));
    }

    /** The header as it stands in a file, of version 3. What follows the name is zero. */
    ByteBuffer encoded() throws CowException {
        byte[] name = backing.getBytes(StandardCharsets.UTF_8);
        if (name.length >= CowLayout.V3.pathBytes) {
            throw new CowException("the name of the backing file is too long, with %d bytes of at most %d: %s; move it"
                    .formatted(name.length, CowLayout.V3.pathBytes - 1, backing));
        }
        ByteBuffer header = ByteBuffer.allocate(CowLayout.V3.headerBytes);
        header.putInt(MAGIC).putInt(CowLayout.V3.version).putInt(backingSeconds).putLong(deviceBytes);
        header.putInt(SECTOR).putInt(alignment).putInt(BITMAP_FORMAT).put(name);
        return header.rewind();
    }

    /** Sectors of the device, the last of which may be in part. */
    long sectors() {
        return roundedUp(deviceBytes, SECTOR) / SECTOR;
    }

    /** Where the bitmap begins in the file. */
    long bitmapOffset() {
        return hasAlignment() ? roundedUp(layout.headerBytes, alignment) : layout.headerBytes;
    }

    /** Length of the bitmap. Versions 1 and 2 round it down, so that up to seven sectors may be without a bit. */
    long bitmapBytes() {
        return hasAlignment() ? roundedUp(sectors(), Byte.SIZE) / Byte.SIZE : sectors() / Byte.SIZE;
    }

    /** Where the first sector is in the file. */
    long dataOffset() {
        return roundedUp(bitmapOffset() + bitmapBytes(), alignment);
    }

    /** Length of the whole file. */
    long fileBytes() {
        return dataOffset() + deviceBytes;
    }

    /** How many of the last sectors have no bit in the bitmap. */
    long sectorsWithoutBit() {
        return Math.max(0, sectors() - Byte.SIZE * bitmapBytes());
    }

    private boolean hasAlignment() {
        return layout.alignmentOffset >= 0;
    }

    private static long roundedUp(long value, long unit) {
        return (value + unit - 1) / unit * unit;
    }
}
