package dev.holdfast.coordinator.seal;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import javax.crypto.spec.SecretKeySpec;

/** Any bytes on a connection of the group channel, and any change of a record: nothing gets through that was not sealed. */
public final class SealBytesFuzz {
    private static final byte[] PLAIN = {1, 2, 3, 4, 5};
    private static final byte[] SEALED = sealed();

    private SealBytesFuzz() {}

    private static Seal seal() {
        try {
            return new Seal(new SecretKeySpec(new byte[32], Seal.KEY));
        } catch (GeneralSecurityException missing) {
            throw new IllegalStateException(missing);
        }
    }

    private static byte[] sealed() {
        try {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            new SealedOutput(out, seal()).write(PLAIN, 0, PLAIN.length);
            return out.toByteArray();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The first byte says whether the others come as they are, or as a change of what was sealed. */
    public static void fuzzerTestOneInput(byte[] input) {
        if (input.length == 0) {
            return;
        }
        byte[] sent = input[0] % 2 == 0 ? Arrays.copyOfRange(input, 1, input.length) : SEALED.clone();
        for (int i = 1; input[0] % 2 != 0 && i < Math.min(input.length, sent.length + 1); i++) {
            sent[i - 1] ^= input[i];
        }
        try {
            int read = new SealedInput(new ByteArrayInputStream(sent), seal()).read(new byte[64], 0, 64);
            if (read >= 0 && !Arrays.equals(Arrays.copyOf(sent, SEALED.length), SEALED)) {
                throw new AssertionError("what nobody sealed was opened");
            }
        } catch (IOException refused) {
            if (String.valueOf(refused.getMessage()).isEmpty()) {
                throw new AssertionError("refused without a reason", refused);
            }
        }
    }
}
