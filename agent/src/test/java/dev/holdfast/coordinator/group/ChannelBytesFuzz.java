package dev.holdfast.coordinator.group;

import dev.holdfast.coordinator.codec.CodecException;

/** What comes over the group channel, behind its seal: any bytes are read, or refused with a {@link CodecException}. */
public final class ChannelBytesFuzz {
    private ChannelBytesFuzz() {}

    public static void fuzzerTestOneInput(byte[] input) {
        try {
            Wire wire = Wire.decode(input);
            if (wire.toString().isEmpty()) {
                throw new AssertionError("what was read cannot be used");
            }
        } catch (CodecException refused) {
            if (refused.getMessage() == null) {
                throw new AssertionError("refused without a reason", refused);
            }
        }
    }
}
