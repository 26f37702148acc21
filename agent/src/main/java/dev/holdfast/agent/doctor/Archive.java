package dev.holdfast.agent.doctor;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.Map;
import java.util.Set;
import java.util.zip.GZIPOutputStream;

/** Writes texts into a {@code tar.gz} (POSIX ustar) that only its owner may read. */
public final class Archive {

    private static final int BLOCK = 512;
    private static final int LONGEST_NAME = 100;

    private Archive() {}

    /**
     * @param file must not exist: nothing is overwritten
     * @param texts by their name in the archive, at most 100 characters of ASCII
     * @param at when they were made
     */
    public static void write(Path file, Map<String, String> texts, Instant at) throws IOException {
        var mode = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
        var options = Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        try (var channel = Files.newByteChannel(file, options, mode);
                OutputStream out = new GZIPOutputStream(java.nio.channels.Channels.newOutputStream(channel))) {
            for (Map.Entry<String, String> text : texts.entrySet()) {
                byte[] bytes = text.getValue().getBytes(StandardCharsets.UTF_8);
                out.write(header(text.getKey(), bytes.length, at));
                out.write(bytes);
                out.write(new byte[(BLOCK - bytes.length % BLOCK) % BLOCK]);
            }
            out.write(new byte[2 * BLOCK]);
        }
    }

    private static byte[] header(String name, int size, Instant at) throws IOException {
        if (name.length() > LONGEST_NAME) {
            throw new IOException("the name " + name + " is too long for an archive");
        }
        byte[] header = new byte[BLOCK];
        put(header, 0, name);
        put(header, 100, "0000600\0");
        put(header, 108, "0000000\0");
        put(header, 116, "0000000\0");
        put(header, 124, "%011o\0".formatted(size));
        put(header, 136, "%011o\0".formatted(at.getEpochSecond()));
        put(header, 148, "        0"); // The sum counts its own field as spaces; the type after it is "file".
        put(header, 257, "ustar\0" + "00");
        int sum = 0;
        for (byte each : header) {
            sum += each & 0xff;
        }
        put(header, 148, "%06o\0 ".formatted(sum));
        return header;
    }

    private static void put(byte[] header, int offset, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(bytes, 0, header, offset, bytes.length);
    }
}
