package dev.holdfast.agent.hypervisor.uml;

import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Version 2 of what goes over an mconsole socket (arch/um/drivers/mconsole.h), in the byte order of the host. */
final class MconsoleWire {
    /** More than the kernel puts into one datagram, so that one that is too long is seen to be. */
    static final int LONGEST_PIECE = 8192;

    private static final int MAGIC = 0xcafebabe;
    private static final int VERSION = 2;
    private static final int MOST_DATA = 512;
    private static final int QUOTED = 60;

    /**
     * One datagram of an answer.
     *
     * @param error 0, 1, or a negative number of an error
     * @param more whether another one follows
     * @param text without the NUL at its end
     */
    record Piece(int error, boolean more, String text) {}

    private MconsoleWire() {}

    /** @throws IllegalArgumentException if the command is too long */
    static byte[] request(String command) {
        byte[] data = command.getBytes(StandardCharsets.ISO_8859_1);
        if (data.length >= MOST_DATA) {
            throw new IllegalArgumentException(
                    "a request to an mconsole has at most " + (MOST_DATA - 1) + " bytes, not " + data.length);
        }
        ByteBuffer request = ByteBuffer.allocate(3 * Integer.BYTES + MOST_DATA).order(ByteOrder.nativeOrder());
        request.putInt(MAGIC).putInt(VERSION).putInt(data.length).put(data);
        return request.array();
    }

    /**
     * @param from whose socket it came from, for the message
     * @throws ProtocolException if it is none
     */
    static Piece piece(Path from, byte[] datagram) throws ProtocolException {
        ByteBuffer reply = ByteBuffer.wrap(datagram).order(ByteOrder.nativeOrder());
        int head = 3 * Integer.BYTES;
        if (datagram.length < head) {
            throw stranger(from, datagram);
        }
        int error = reply.getInt();
        int more = reply.getInt();
        int length = reply.getInt();
        if (more < 0 || more > 1 || length != datagram.length - head) {
            throw stranger(from, datagram);
        }
        boolean ended = length > 0 && datagram[datagram.length - 1] == 0;
        return new Piece(
                error, more == 1, new String(datagram, head, ended ? length - 1 : length, StandardCharsets.ISO_8859_1));
    }

    /** Whoever does not know our magic number or version answers in words alone. */
    private static ProtocolException stranger(Path from, byte[] datagram) {
        String words = new String(datagram, 0, Math.min(datagram.length, QUOTED), StandardCharsets.US_ASCII)
                .replaceAll("[^ -~]", ".");
        return new ProtocolException("what answers at %s speaks no mconsole of version 2: \"%s\" (%d bytes)"
                .formatted(from, words, datagram.length));
    }
}
