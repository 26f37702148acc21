package dev.holdfast.agent.snapshot.chain;

import dev.holdfast.agent.files.FileBytes;
import dev.holdfast.agent.json.Json;
import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * What an image itself holds, and not one below it, as {@code qemu-img map} tells. Immutable.
 *
 * @param pieces in the order of the disk
 */
record TopPieces(List<Piece> pieces) {
    private static final int CHUNK = 1 << 20;
    private static final int FEW_LETTERS = 120;

    /**
     * One stretch of the disk.
     *
     * @param start in bytes, of the disk
     * @param length in bytes
     * @param offset where its bytes are in the file of the image; empty if it reads as zeros
     */
    record Piece(long start, long length, Optional<Long> offset) {}

    /** @throws ChainException if it is not whole, or says something that cannot be of an image that a machine has written */
    static TopPieces parse(String answer) throws ChainException {
        List<Piece> pieces = new ArrayList<>();
        String text = answer.strip();
        if (!text.startsWith("[") || !text.endsWith("]")) {
            throw new ChainException("\"qemu-img map\" says \"" + shortened(text) + "\", which is no whole map");
        }
        try {
            for (String line : text.substring(1, text.length() - 1).lines().toList()) {
                String piece = line.strip().replaceFirst(",$", "");
                if (!piece.isEmpty()) {
                    piece(Json.object(piece)).ifPresent(pieces::add);
                }
            }
        } catch (JsonException e) {
            throw new ChainException("\"qemu-img map\" says what cannot be read: " + e.getMessage(), e);
        }
        return new TopPieces(List.copyOf(pieces));
    }

    private static Optional<Piece> piece(JsonObject piece) throws JsonException, ChainException {
        if (number(piece, "depth") > 0) {
            return Optional.empty();
        }
        boolean zero = piece.flag("zero").orElse(false);
        Optional<Long> offset = piece.number("offset");
        if (!zero && offset.isEmpty()) {
            throw new ChainException("the image has compressed data, which no machine writes: " + piece);
        }
        return Optional.of(
                new Piece(number(piece, "start"), number(piece, "length"), zero ? Optional.empty() : offset));
    }

    private static long number(JsonObject piece, String key) throws JsonException, ChainException {
        return piece.number(key)
                .orElseThrow(() -> new ChainException("\"qemu-img map\" says no " + key + ": " + piece));
    }

    private static String shortened(String text) {
        return text.length() < FEW_LETTERS ? text : text.substring(0, FEW_LETTERS) + "...";
    }

    /** Whether a raw image reads the same wherever the top holds something. */
    boolean areIn(Path top, Path base) throws IOException {
        ByteBuffer above = ByteBuffer.allocate(CHUNK);
        ByteBuffer below = ByteBuffer.allocate(CHUNK);
        try (FileChannel tops = FileChannel.open(top, StandardOpenOption.READ);
                FileChannel bases = FileChannel.open(base, StandardOpenOption.READ)) {
            for (Piece piece : pieces) {
                for (long done = 0; done < piece.length(); done += CHUNK) {
                    int bytes = (int) Math.min(CHUNK, piece.length() - done);
                    read(bases, below, Optional.of(piece.start() + done), bytes);
                    long at = done;
                    read(tops, above, piece.offset().map(offset -> offset + at), bytes);
                    if (!above.equals(below)) {
                        return false;
                    }
                }
            }
        }
        return true;
    }

    /** Zeros, but for what is at a place of a file: behind its end, too, there are zeros. */
    private static void read(FileChannel file, ByteBuffer into, Optional<Long> place, int bytes) throws IOException {
        Arrays.fill(into.array(), 0, bytes, (byte) 0);
        into.clear().limit(bytes);
        if (place.isPresent()) {
            FileBytes.fill(file, into, place.get());
        }
        into.clear().limit(bytes);
    }
}
