package dev.holdfast.agent.image;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.HexFormat;
import javax.crypto.spec.SecretKeySpec;

/**
 * The head of an encrypted image: {@code magic 8 | version u32 | id of the cluster's key 8 | id of the image 16 | nonce 12 | key of
 * the image, encrypted with the cluster's, 48}. What is before the nonce is proven with the key. Immutable.
 */
final class ImageHead {
    /** In bytes. */
    static final int LENGTH = 96;
    /** How many bytes tell whether it is one. */
    static final int MAGIC_LENGTH = 8;

    private static final byte[] MAGIC = "HFMEMENC".getBytes(StandardCharsets.US_ASCII);
    private static final int VERSION = 1;
    private static final int IMAGE_BYTES = 16;
    private static final int BOUND = MAGIC_LENGTH + Integer.BYTES + MemoryKey.ID_BYTES + IMAGE_BYTES;

    private final byte[] image;
    private final byte[] key;

    private ImageHead(byte[] image, byte[] key) {
        this.image = image;
        this.key = key;
    }

    /** That of a new image. */
    static ImageHead fresh() {
        return new ImageHead(random(IMAGE_BYTES), random(MemoryKey.BYTES));
    }

    private static byte[] random(int length) {
        byte[] bytes = new byte[length];
        new SecureRandom().nextBytes(bytes);
        return bytes;
    }

    /** Whether these bytes begin an encrypted image, of whichever version. */
    static boolean isOne(byte[] start) {
        return Arrays.equals(MAGIC, Arrays.copyOf(start, MAGIC_LENGTH));
    }

    /** The version of an encrypted image. */
    static int version(byte[] head) {
        return ByteBuffer.wrap(head).getInt(MAGIC_LENGTH);
    }

    static boolean isKnown(int version) {
        return version == VERSION;
    }

    /** Names the key with which it was encrypted. */
    static String keyId(byte[] head) {
        int from = MAGIC_LENGTH + Integer.BYTES;
        return HexFormat.of().formatHex(head, from, from + MemoryKey.ID_BYTES);
    }

    /** As it is in the file. */
    byte[] encode(MemoryKey wrapping) {
        ByteBuffer head = ByteBuffer.allocate(LENGTH);
        head.put(MAGIC)
                .putInt(VERSION)
                .put(HexFormat.of().parseHex(wrapping.id()))
                .put(image);
        byte[] nonce = random(Records.NONCE);
        byte[] wrapped = wrapping.wrap(key, nonce, Arrays.copyOf(head.array(), BOUND));
        return head.put(nonce).put(wrapped).array();
    }

    /** @throws GeneralSecurityException it is not what was written with this key */
    static ImageHead decode(byte[] head, MemoryKey wrapping) throws GeneralSecurityException {
        int wrapped = BOUND + Records.NONCE;
        byte[] key = wrapping.unwrap(
                Arrays.copyOfRange(head, wrapped, LENGTH),
                Arrays.copyOfRange(head, BOUND, wrapped),
                Arrays.copyOf(head, BOUND));
        return new ImageHead(Arrays.copyOfRange(head, BOUND - IMAGE_BYTES, BOUND), key);
    }

    /** Seals and opens the image's records. */
    Records records() {
        return new Records(new SecretKeySpec(key, Records.KEY), image);
    }
}
