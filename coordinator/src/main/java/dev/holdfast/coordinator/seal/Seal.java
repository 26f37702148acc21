package dev.holdfast.coordinator.seal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import javax.crypto.Cipher;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;

/** Seals or opens the messages of one direction of one connection: AES-256-GCM, the number of the message is its nonce. One thread. */
public final class Seal {
    /** What a key must be made for. */
    public static final String KEY = "AES";
    /** How much longer a message is when it is sealed, in bytes. */
    public static final int TAG = 16;

    private static final String CIPHER = "AES/GCM/NoPadding";
    private static final int NONCE = 12;

    private final SecretKey key;
    private final Cipher cipher;
    private final byte[] nonce = new byte[NONCE];
    private long count;

    /**
     * @param key of this direction, used for nothing else
     * @throws GeneralSecurityException this Java cannot do it
     */
    public Seal(SecretKey key) throws GeneralSecurityException {
        this.key = key;
        this.cipher = Cipher.getInstance(CIPHER);
    }

    /** Writes the next message, sealed, into {@code into}. */
    public void seal(byte[] message, int offset, int length, byte[] into, int at) throws IOException {
        apply(Cipher.ENCRYPT_MODE, message, offset, length, into, at);
    }

    /**
     * Writes what the next message said into {@code into}.
     *
     * @throws IOException it is not the next message of the other end, as that has sent it
     */
    public void open(byte[] sealed, int offset, int length, byte[] into, int at) throws IOException {
        apply(Cipher.DECRYPT_MODE, sealed, offset, length, into, at);
    }

    private void apply(int mode, byte[] from, int offset, int length, byte[] into, int at) throws IOException {
        try {
            ByteBuffer.wrap(nonce).putInt(0).putLong(++count);
            cipher.init(mode, key, new GCMParameterSpec(TAG * Byte.SIZE, nonce));
            cipher.doFinal(from, offset, length, into, at);
        } catch (GeneralSecurityException e) {
            throw new IOException("what came over the connection is not from the other agent, or was altered", e);
        }
    }
}
