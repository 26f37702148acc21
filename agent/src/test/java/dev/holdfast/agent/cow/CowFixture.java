package dev.holdfast.agent.cow;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.SortedMap;
import java.util.concurrent.TimeUnit;

/** Makes COW files field by field, as the structures of User-Mode Linux have them, without the code under test. */
final class CowFixture {
    static final int SECTOR = 512;
    private static final int MAGIC = 0x4f4f4f4d;

    private CowFixture() {}

    enum Version {
        V1_LITTLE,
        V1_BIG,
        V2,
        V3,
        V3_SHIFTED;

        boolean rounds() {
            return this == V3 || this == V3_SHIFTED;
        }
    }

    /** A COW file on a file that is there. */
    static Path cow(Path file, Version version, Path backing, long size, SortedMap<Integer, byte[]> sectors)
            throws IOException {
        byte[] header = header(version, backing.toString(), seconds(backing), size);
        long count = (size + SECTOR - 1) / SECTOR;
        long bitmap = version.rounds() ? 8192 : header.length;
        long bitmapBytes = version.rounds() ? (count + 7) / 8 : count / 8;
        int unit = version.rounds() ? 4096 : SECTOR;
        long data = (bitmap + bitmapBytes + unit - 1) / unit * unit;
        try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
            out.write(header);
            byte[] bits = new byte[(int) bitmapBytes];
            for (var sector : sectors.entrySet()) {
                int i = sector.getKey();
                bits[i / 8] |= (byte) (1 << i % 8);
                out.seek(data + (long) i * SECTOR);
                out.write(sector.getValue(), 0, (int) Math.min(SECTOR, size - (long) i * SECTOR));
            }
            out.seek(bitmap);
            out.write(bits);
            out.setLength(data + size);
        }
        return file;
    }

    /** Behind the name is what happened to be in memory. */
    static byte[] header(Version version, String backing, int seconds, long size) {
        return switch (version) {
            case V1_LITTLE -> old(ByteOrder.LITTLE_ENDIAN, 1, name(backing, 256), seconds, size);
            case V1_BIG -> old(ByteOrder.BIG_ENDIAN, 1, name(backing, 256), seconds, size);
            case V2 -> old(ByteOrder.BIG_ENDIAN, 2, name(backing, 4096), seconds, size);
            case V3, V3_SHIFTED -> third(version == Version.V3_SHIFTED, name(backing, 4096), seconds, size);
        };
    }

    private static byte[] old(ByteOrder order, int version, byte[] name, int seconds, long size) {
        return ByteBuffer.allocate(24 + name.length)
                .order(order)
                .putInt(MAGIC)
                .putInt(version)
                .put(name)
                .putInt(seconds)
                .putLong(size)
                .putInt(SECTOR)
                .array();
    }

    private static byte[] third(boolean shifted, byte[] name, int seconds, long size) {
        ByteBuffer header = ByteBuffer.allocate(shifted ? 4136 : 4128)
                .putInt(MAGIC)
                .putInt(3)
                .putInt(seconds);
        if (shifted) {
            header.putInt(0);
        }
        return header.putLong(size)
                .putInt(SECTOR)
                .putInt(4096)
                .putInt(0)
                .put(name)
                .array();
    }

    private static byte[] name(String backing, int room) {
        byte[] name = new byte[room];
        Arrays.fill(name, (byte) 0xa5);
        byte[] bytes = backing.getBytes(StandardCharsets.UTF_8);
        System.arraycopy(bytes, 0, name, 0, Math.min(bytes.length, room));
        if (bytes.length < room) {
            name[bytes.length] = 0;
        }
        return name;
    }

    static int seconds(Path file) throws IOException {
        return (int) Files.getLastModifiedTime(file).to(TimeUnit.SECONDS);
    }

    static Path changedAt(Path file, long seconds) throws IOException {
        return Files.setLastModifiedTime(file, FileTime.from(seconds, TimeUnit.SECONDS));
    }
}
