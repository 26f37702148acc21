package dev.holdfast.agent.tunnel;

import dev.holdfast.coordinator.seal.Seal;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.security.GeneralSecurityException;
import javax.crypto.spec.SecretKeySpec;

/** Any bytes of a stranger at a tunnel's door: nothing of them gets through, and what is kept of them stays small. */
public final class TunnelFuzz {
    private static final SecretKeySpec KEY = new SecretKeySpec(new byte[32], Seal.KEY);

    private TunnelFuzz() {}

    public static void fuzzerTestOneInput(byte[] input) throws GeneralSecurityException {
        try {
            byte[] message = new SealedInput(new ByteArrayInputStream(input), new Seal(KEY)).next();
            throw new AssertionError("a stranger's message was taken: " + (message == null ? 0 : message.length));
        } catch (IOException refused) {
            if (refused.getMessage() == null) {
                throw new AssertionError("refused without a reason", refused);
            }
        }
    }
}
