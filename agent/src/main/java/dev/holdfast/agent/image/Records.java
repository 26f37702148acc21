package dev.holdfast.agent.image;

import java.io.IOException;
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

    private static final int PIECE = 64 << 10;

    private final SecretKey key;
    private final byte[] image;
    private final Cipher cipher;
    private final byte[] piece = new byte[PIECE + 2 * TAG];

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

    /** Takes what is sealed. */
    interface Output {
        /** Takes the first bytes of an array, which is used again. */
        void write(byte[] bytes, int length) throws IOException;
    }

    /**
     * Seals a record, piece by piece: a node may have the images of many machines on their way at once. Each number once.
     *
     * @param length how much of {@code content} there is
     */
    void seal(long number, boolean last, byte[] content, int length, Output output) throws IOException {
        try {
            begin(Cipher.ENCRYPT_MODE, number, last);
            for (int done = 0; done < length; done += PIECE) {
                int sealed = cipher.update(content, done, Math.min(PIECE, length - done), piece, 0);
                output.write(piece, sealed);
            }
            output.write(piece, cipher.doFinal(piece, 0));
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
            begin(Cipher.DECRYPT_MODE, number, last);
            return cipher.doFinal(sealed, 0, length, into, 0);
        } catch (GeneralSecurityException e) {
            throw new RecordException(e);
        }
    }

    private void begin(int mode, long number, boolean last) throws GeneralSecurityException {
        byte[] nonce = ByteBuffer.allocate(NONCE).putInt(0).putLong(number).array();
        cipher.init(mode, key, new GCMParameterSpec(TAG * Byte.SIZE, nonce));
        cipher.updateAAD(image);
        cipher.updateAAD(nonce);
        cipher.updateAAD(new byte[] {(byte) (last ? 1 : 0)});
    }
}
