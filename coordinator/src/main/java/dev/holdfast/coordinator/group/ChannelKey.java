package dev.holdfast.coordinator.group;

import dev.holdfast.coordinator.seal.ConnectionKeys;
import dev.holdfast.coordinator.seal.Seal;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.security.GeneralSecurityException;
import java.util.List;
import java.util.Set;
import javax.crypto.Mac;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;
import javax.crypto.spec.SecretKeySpec;

/** The key that all nodes of a cluster share. Never shown. Immutable, thread-safe. */
public final class ChannelKey {

    /** A shorter secret is refused, in characters. */
    public static final int MIN_LENGTH = 16;

    private static final int MAX_LENGTH = 4096;
    private static final int STRETCHING_ROUNDS = 100_000;
    private static final int KEY_BITS = 256;
    private static final String MAC = "HmacSHA256";

    private final SecretKeySpec master;

    private ChannelKey(SecretKeySpec master) {
        this.master = master;
    }

    /**
     * Reads the secret, without white space at its ends, from a file that only its owner may read, and stretches it (takes
     * some 50 ms of CPU). Clusters with the same secret and different names do not understand each other.
     *
     * @throws IOException the file cannot be read, is readable by others, or its content is too short or too long; the
     *     message says what to do
     */
    public static ChannelKey read(Path file, String cluster) throws IOException {
        Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(file);
        if (permissions.stream().anyMatch(permission -> !permission.name().startsWith("OWNER_"))) {
            throw new IOException("the key of the group channel, %s, may be read by others than its owner: chmod 600 %s"
                    .formatted(file, file));
        }
        String secret = Files.size(file) > MAX_LENGTH
                ? ""
                : Files.readString(file, StandardCharsets.UTF_8).strip();
        if (secret.length() < MIN_LENGTH) {
            throw new IOException(
                    ("the key of the group channel, %s, must have between %d and %d characters: make one with "
                                    + "\"head -c 32 /dev/urandom | base64\" and copy it to all nodes")
                            .formatted(file, MIN_LENGTH, MAX_LENGTH));
        }
        return of(secret, cluster);
    }

    /** Stretches a secret that is at hand. */
    static ChannelKey of(String secret, String cluster) {
        byte[] salt = ("holdfast group channel 1 " + cluster).getBytes(StandardCharsets.UTF_8);
        PBEKeySpec spec = new PBEKeySpec(secret.toCharArray(), salt, STRETCHING_ROUNDS, KEY_BITS);
        try {
            byte[] bytes = SecretKeyFactory.getInstance("PBKDF2WithHmacSHA256")
                    .generateSecret(spec)
                    .getEncoded();
            return new ChannelKey(new SecretKeySpec(bytes, MAC));
        } catch (GeneralSecurityException missing) {
            throw new IllegalStateException("every Java runtime has PBKDF2 with HMAC-SHA-256", missing);
        } finally {
            spec.clearPassword();
        }
    }

    /** The key of one direction of one connection; see {@link ConnectionKeys}. */
    SecretKeySpec forConnection(String direction, byte[] called, byte[] callerSalt, byte[] calledSalt) {
        try {
            Mac mac = Mac.getInstance(MAC);
            mac.init(master);
            for (byte[] part : List.of(direction.getBytes(StandardCharsets.UTF_8), called, callerSalt, calledSalt)) {
                mac.update(ByteBuffer.allocate(Integer.BYTES).putInt(0, part.length));
                mac.update(part);
            }
            return new SecretKeySpec(mac.doFinal(), Seal.KEY);
        } catch (GeneralSecurityException missing) {
            throw new IllegalStateException("every Java runtime has HMAC-SHA-256", missing);
        }
    }

    @Override
    public String toString() {
        return "ChannelKey[hidden]";
    }
}
