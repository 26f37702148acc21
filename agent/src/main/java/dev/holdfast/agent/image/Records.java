package dev.holdfast.agent.image;

import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import javax.crypto.Cipher;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;

/**
 * Seals and opens the records of one image: AES-256-GCM with the image's own key, the number of the record as nonce. The image,
 * the number and whether it is the last one are proven with each record, so that none can be moved, left out or repeated, come
 * from another image, or be cut off at the end. One thread.
 */
final class Records {
    /** What keys are made for. */
    static final String KEY = "AES";

    static final String CIPHER = "AES/GCM/NoPadding";
    /** Memory in each record but the last, which has less, in bytes. */
    static final int CONTENT = 1 << 20;
    /** How much longer a record is when it is sealed, in bytes. */
    static final int TAG = 16;

    static final int NONCE = 12;

    private final SecretKey key;
    private final byte[] image;
    private final Cipher cipher;

    /**
     * @param key of this image alone
     * @param image its id
     */
    Records(SecretKey key, byte[] image) {
        this.key = key;
        this.image = image.clone();
        try {
            this.cipher = Cipher.getInstance(CIPHER);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java runtime has AES-GCM", e);
        }
    }

    /**
     * Seals a record; each number once.
     *
     * @return length of what is in {@code into}
     */
    int seal(long number, boolean last, byte[] content, int length, byte[] into) {
        try {
            return apply(Cipher.ENCRYPT_MODE, number, last, content, length, into);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("a record of " + length + " bytes cannot be encrypted", e);
        }
    }

    /**
     * Opens a record.
     *
     * @return length of what is in {@code into}
     * @throws RecordException it is not what was sealed with these words; nothing of it is to be used
     */
    int open(long number, boolean last, byte[] sealed, int length, byte[] into) throws RecordException {
        try {
            return apply(Cipher.DECRYPT_MODE, number, last, sealed, length, into);
        } catch (GeneralSecurityException e) {
            throw new RecordException(e);
        }
    }

    private int apply(int mode, long number, boolean last, byte[] from, int length, byte[] into)
            throws GeneralSecurityException {
        byte[] nonce = ByteBuffer.allocate(NONCE).putInt(0).putLong(number).array();
        cipher.init(mode, key, new GCMParameterSpec(TAG * Byte.SIZE, nonce));
        cipher.updateAAD(image);
        cipher.updateAAD(nonce);
        cipher.updateAAD(new byte[] {(byte) (last ? 1 : 0)});
        return cipher.doFinal(from, 0, length, into, 0);
    }
}
