package dev.holdfast.coordinator.codec;

import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.message.GroupMessage;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * The form in which messages travel between nodes: binary, because they are on the path of a frozen guest. Thread-safe,
 * without state.
 *
 * <pre>
 *   u8 version = 1 | u8 kind | u8 n, round (n bytes ASCII) | i64 epoch | body
 *   1 FREEZE     i64 instant agreed on, by the wall clock, in ns; 0 for at once
 *   2 FROZEN     u8 n, member
 *   3 VOID       u8 n, member | u8 n, kind of reason (Refusal.Kind) | u16 n, reason (UTF-8, no control characters)
 *   4 PROGRESS   u8 n, member | u8 n, phase (ASCII letters and dashes) | i64 done | i64 total
 * </pre>
 *
 * Numbers are big-endian. Nothing may follow the body.
 */
public final class MessageCodec {

    /** No message is larger than this, in bytes. */
    public static final int MAX_BYTES = 8 * 1024;

    /** What goes beyond this is cut off the reason for a void, in characters; the reason is only shown. */
    static final int MAX_BECAUSE_CHARS = 1_000;

    private static final int MAX_BECAUSE_BYTES = 3 * MAX_BECAUSE_CHARS;
    private static final int MAX_PHASE_CHARS = 32;
    private static final byte VERSION = 1;
    private static final byte FREEZE = 1;
    private static final byte FROZEN = 2;
    private static final byte VOID = 3;
    private static final byte PROGRESS = 4;

    private MessageCodec() {}

    /** Never fails: what has no place in a reason or a phase is replaced or cut off. */
    public static byte[] encode(GroupMessage message) {
        ByteBuffer out = ByteBuffer.allocate(MAX_BYTES);
        out.put(VERSION);
        message.match(
                freeze -> header(out, FREEZE, freeze).putLong(Math.max(0, freeze.atNanos())),
                frozen -> shortText(header(out, FROZEN, frozen), frozen.member().value()),
                voided -> longText(
                        shortText(
                                shortText(
                                        header(out, VOID, voided),
                                        voided.member().value()),
                                voided.because().kind().name()),
                        voided.because().text()),
                progress -> shortText(
                                shortText(
                                        header(out, PROGRESS, progress),
                                        progress.member().value()),
                                phase(progress.phase()))
                        .putLong(Math.max(0, progress.done()))
                        .putLong(Math.max(0, progress.total())));
        byte[] bytes = new byte[out.position()];
        out.flip().get(bytes);
        return bytes;
    }

    private static ByteBuffer header(ByteBuffer out, byte kind, GroupMessage message) {
        return shortText(out.put(kind), message.round().value())
                .putLong(message.epoch().value());
    }

    private static ByteBuffer shortText(ByteBuffer out, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        return out.put((byte) bytes.length).put(bytes);
    }

    private static ByteBuffer longText(ByteBuffer out, String text) {
        String cut = text.length() > MAX_BECAUSE_CHARS ? text.substring(0, MAX_BECAUSE_CHARS) : text;
        byte[] bytes = cut.replaceAll("\\p{Cntrl}", " ").getBytes(StandardCharsets.UTF_8);
        return out.putShort((short) bytes.length).put(bytes);
    }

    private static String phase(String phase) {
        String clean = phase.replaceAll("[^a-z-]", "-");
        return clean.length() > MAX_PHASE_CHARS ? clean.substring(0, MAX_PHASE_CHARS) : clean;
    }

    /**
     * Reads a message. Uses memory in the order of the input, at most {@link #MAX_BYTES}.
     *
     * @throws CodecException the bytes are not exactly one message of this version
     */
    public static GroupMessage decode(byte[] bytes) throws CodecException {
        if (bytes.length > MAX_BYTES) {
            throw new CodecException(
                    "a message of %d bytes; at most %d are allowed".formatted(bytes.length, MAX_BYTES));
        }
        Input in = new Input(ByteBuffer.wrap(bytes));
        byte version = in.u8();
        if (version != VERSION) {
            throw new CodecException(
                    "a message of version %d; this node reads version %d: run one version of Holdfast on all nodes"
                            .formatted(version, VERSION));
        }
        byte kind = in.u8();
        RoundId round = in.round();
        Epoch epoch = new Epoch(in.natural("epoch"));
        GroupMessage message = switch (kind) {
            case FREEZE -> new GroupMessage.Freeze(round, epoch, in.natural("at"));
            case FROZEN -> new GroupMessage.Frozen(round, epoch, in.name());
            case VOID -> new GroupMessage.VoidRound(round, epoch, in.name(), in.because());
            case PROGRESS ->
                new GroupMessage.Progress(round, epoch, in.name(), in.phase(), in.natural("done"), in.natural("total"));
            default -> throw new CodecException("a message of the unknown kind " + kind);
        };
        in.end();
        return message;
    }

    /** Reads checked fields, one after the other. */
    private record Input(ByteBuffer bytes) {

        byte u8() throws CodecException {
            need(1);
            return bytes.get();
        }

        long natural(String field) throws CodecException {
            need(Long.BYTES);
            long value = bytes.getLong();
            if (value < 0) {
                throw new CodecException(field + " is negative");
            }
            return value;
        }

        RoundId round() throws CodecException {
            return new RoundId(name().value());
        }

        Name name() throws CodecException {
            String text = text(u8() & 0xff, Name.MAX_LENGTH);
            try {
                return new Name(text);
            } catch (IllegalArgumentException wrong) {
                throw new CodecException(wrong.getMessage(), wrong);
            }
        }

        String phase() throws CodecException {
            String text = text(u8() & 0xff, MAX_PHASE_CHARS);
            if (!text.chars().allMatch(c -> c == '-' || c >= 'a' && c <= 'z')) {
                throw new CodecException("a phase has other characters than letters and dashes");
            }
            return text;
        }

        Refusal because() throws CodecException {
            return new Refusal(kind(), reason());
        }

        private Refusal.Kind kind() throws CodecException {
            String name = text(u8() & 0xff, Name.MAX_LENGTH);
            try {
                return Refusal.Kind.valueOf(name);
            } catch (IllegalArgumentException unknown) {
                throw new CodecException("a reason of an unknown kind", unknown);
            }
        }

        private String reason() throws CodecException {
            need(Short.BYTES);
            String text = text(bytes.getShort() & 0xffff, MAX_BECAUSE_BYTES);
            if (text.chars().anyMatch(c -> c < ' ' || c == 0x7f)) {
                throw new CodecException("a reason has control characters");
            }
            return text;
        }

        void end() throws CodecException {
            if (bytes.hasRemaining()) {
                throw new CodecException("%d bytes follow the message".formatted(bytes.remaining()));
            }
        }

        private String text(int length, int limit) throws CodecException {
            if (length > limit) {
                throw new CodecException("a text of %d bytes; at most %d are allowed".formatted(length, limit));
            }
            need(length);
            ByteBuffer slice = bytes.slice(bytes.position(), length);
            bytes.position(bytes.position() + length);
            try {
                return StandardCharsets.UTF_8.newDecoder().decode(slice).toString();
            } catch (CharacterCodingException wrong) {
                throw new CodecException("a text is not UTF-8", wrong);
            }
        }

        private void need(int length) throws CodecException {
            if (bytes.remaining() < length) {
                throw new CodecException(
                        "the message ends early: %d bytes needed, %d left".formatted(length, bytes.remaining()));
            }
        }
    }
}
