package dev.holdfast.agent.image;

import dev.holdfast.agent.files.Ownership;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Optional;
import javax.crypto.Cipher;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/** A key of the cluster, under which each encrypted image keeps a key of its own. Never shown. Immutable, thread-safe. */
public final class MemoryKey {
    /** Length of a key in bytes. */
    static final int BYTES = 32;
    /** Length of what names a key, in bytes. */
    static final int ID_BYTES = 8;

    private static final int MAX_LENGTH = 4096;
    private static final String DIGITS = "[0-9A-Fa-f]{" + 2 * BYTES + "}";

    private final SecretKey key;
    private final String id;

    private MemoryKey(byte[] bytes) {
        this.key = new SecretKeySpec(bytes, Records.KEY);
        this.id = HexFormat.of().formatHex(digest(bytes), 0, ID_BYTES);
    }

    /**
     * Reads a key, as base64 or hexadecimal digits with white space at the ends, from a file that is a secret of the agent's user or root.
     *
     * @throws IOException the file cannot be read, belongs or is open to others, or is no key; the message says what to do
     */
    public static MemoryKey read(Path file) throws IOException {
        Optional<Ownership.Doubt> doubt = Ownership.doubtOfSecret(file);
        if (doubt.isPresent()) {
            throw new IOException("the key for memory images " + doubt.get().what() + ": "
                    + doubt.get().correction());
        }
        byte[] bytes = Files.size(file) > MAX_LENGTH
                ? new byte[0]
                : parse(Files.readString(file, StandardCharsets.ISO_8859_1).strip());
        if (bytes.length != BYTES) {
            throw new IOException(
                    ("the key for memory images, %s, must be %d random bytes in base64 or hexadecimal digits: make one"
                                    + " with \"head -c 32 /dev/urandom | base64\" and copy it to all nodes")
                            .formatted(file, BYTES));
        }
        try {
            return new MemoryKey(bytes);
        } finally {
            Arrays.fill(bytes, (byte) 0);
        }
    }

    /** No bytes if it is no key: what is wrong with a secret is not said in detail. */
    private static byte[] parse(String text) {
        try {
            return text.matches(DIGITS)
                    ? HexFormat.of().parseHex(text)
                    : Base64.getDecoder().decode(text);
        } catch (IllegalArgumentException e) {
            return new byte[0];
        }
    }

    private static byte[] digest(byte[] bytes) {
        try {
            MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
            sha256.update("holdfast memory key 1 ".getBytes(StandardCharsets.US_ASCII));
            return sha256.digest(bytes);
        } catch (GeneralSecurityException missing) {
            throw new IllegalStateException("every Java runtime has SHA-256", missing);
        }
    }

    /** Names the key and tells nothing about it: 16 hexadecimal digits. */
    public String id() {
        return id;
    }

    /** Encrypts the key of an image. */
    byte[] wrap(byte[] imageKey, byte[] nonce, byte[] bound) {
        try {
            return cipher(Cipher.ENCRYPT_MODE, nonce, bound).doFinal(imageKey);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java runtime has AES-GCM", e);
        }
    }

    /** @throws GeneralSecurityException it was not wrapped with this key, nonce and binding, or was altered */
    byte[] unwrap(byte[] wrapped, byte[] nonce, byte[] bound) throws GeneralSecurityException {
        return cipher(Cipher.DECRYPT_MODE, nonce, bound).doFinal(wrapped);
    }

    private Cipher cipher(int mode, byte[] nonce, byte[] bound) throws GeneralSecurityException {
        Cipher cipher = Cipher.getInstance(Records.CIPHER);
        cipher.init(mode, key, new GCMParameterSpec(Records.TAG * Byte.SIZE, nonce));
        cipher.updateAAD(bound);
        return cipher;
    }

    @Override
    public String toString() {
        return "MemoryKey[" + id + "]";
    }
}
