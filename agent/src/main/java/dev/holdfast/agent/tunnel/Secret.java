package dev.holdfast.agent.tunnel;

import dev.holdfast.coordinator.seal.Seal;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.SecretKey;
import javax.crypto.spec.SecretKeySpec;

/** What both ends of a tunnel know and nobody else. Immutable. */
public final class Secret {
    private static final int BYTES = 32;
    private static final String MAC = "HmacSHA256";

    private final byte[] bytes;

    private Secret(byte[] bytes) {
        this.bytes = bytes;
    }

    /** A new one. */
    public static Secret fresh() {
        return new Secret(random());
    }

    static byte[] random() {
        byte[] bytes = new byte[BYTES];
        new SecureRandom().nextBytes(bytes);
        return bytes;
    }

    /** @throws IllegalArgumentException it is no secret */
    public static Secret parse(String text) {
        byte[] bytes = HexFormat.of().parseHex(text);
        if (bytes.length != BYTES) {
            throw new IllegalArgumentException("the secret of a tunnel has " + BYTES + " bytes");
        }
        return new Secret(bytes);
    }

    /** For the other end, over a channel that nobody reads. Not for logs. */
    public String text() {
        return HexFormat.of().formatHex(bytes);
    }

    /** The key of one direction of one connection: the salts of both ends are never the same twice. */
    SecretKey key(String direction, byte[] callerSalt, byte[] calledSalt) throws GeneralSecurityException {
        Mac mac = Mac.getInstance(MAC);
        mac.init(new SecretKeySpec(bytes, MAC));
        mac.update(direction.getBytes(java.nio.charset.StandardCharsets.US_ASCII));
        mac.update(callerSalt);
        mac.update(calledSalt);
        byte[] key = mac.doFinal();
        SecretKey made = new SecretKeySpec(key, Seal.KEY);
        Arrays.fill(key, (byte) 0);
        return made;
    }

    @Override
    public String toString() {
        return "Secret[...]";
    }
}
