package dev.holdfast.coordinator.codec;

import dev.holdfast.coordinator.protocol.Name;
import java.util.Arrays;
import java.util.List;

/** Any bytes in any node of the store: read as what they say, or refused with a {@link CodecException}. */
public final class StoredBytesFuzz {
    private interface Decoder {
        Object decode(byte[] bytes) throws CodecException;
    }

    private static final List<Decoder> DECODERS = List.of(
            RecordCodec::decodeRound,
            RecordCodec::decodeVote,
            RecordCodec::decodeCheckpoint,
            RecordCodec::decodeGroup,
            RecordCodec::decodeTimeline,
            RecordCodec::decodeNode,
            RecordCodec::decodeJournal,
            RecordCodec::decodeHistory,
            bytes -> ScheduleCodec.decode(bytes, 0),
            bytes -> ReplicationCodec.decode(new Name("web"), bytes));

    private StoredBytesFuzz() {}

    /** The first byte says which kind of node. */
    public static void fuzzerTestOneInput(byte[] input) {
        if (input.length == 0) {
            return;
        }
        Decoder decoder = DECODERS.get(Math.floorMod(input[0] - '0', DECODERS.size()));
        try {
            Object value = decoder.decode(Arrays.copyOfRange(input, 1, input.length));
            if (value == null
                    || value.hashCode() != value.hashCode()
                    || value.toString().isEmpty()) {
                throw new AssertionError("what was read cannot be used");
            }
        } catch (CodecException refused) {
            if (refused.getMessage() == null || refused.getMessage().isBlank()) {
                throw new AssertionError("refused without a reason", refused);
            }
        }
    }
}
