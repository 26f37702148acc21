package dev.holdfast.coordinator.group;

import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * Encrypts and authenticates byte arrays with AES-256-GCM. Thread-safe.
 *
 * <pre>  u8 version = 1 | 16 bytes salt of the sender | i64 counter | ciphertext and tag </pre>
 *
 * The nonce is the counter, the key belongs to the salt, the salt is fresh for each box: no nonce is used twice. What was
 * recorded can be replayed, but not altered; all who receive must be idempotent.
 */
final class SealBox {

    private static final byte VERSION = 1;
    private static final int SALT_BYTES = 16;
    private static final int HEADER_BYTES = 1 + SALT_BYTES + Long.BYTES;
    private static final int TAG_BYTES = 16;
    private static final int NONCE_BYTES = 12;
    private static final int MAX_SENDERS = 128;

    private final ChannelKey key;
    private final byte[] salt;
    private final SecretKeySpec own;
    private final AtomicLong counter = new AtomicLong();
    private final Map<ByteBuffer, SecretKeySpec> senders = Collections.synchronizedMap(new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<ByteBuffer, SecretKeySpec> eldest) {
            return size() > MAX_SENDERS;
        }
    });

    /** @param salt 16 bytes that were never used before with this key */
    SealBox(ChannelKey key, byte[] salt) {
        if (salt.length != SALT_BYTES) {
            throw new IllegalArgumentException("a salt has 16 bytes");
        }
        this.key = key;
        this.salt = salt.clone();
        this.own = key.forSender(this.salt);
    }

    byte[] seal(byte[] plain, int offset, int length) {
        ByteBuffer out = ByteBuffer.allocate(HEADER_BYTES + length + TAG_BYTES);
        out.put(VERSION).put(salt).putLong(counter.incrementAndGet());
        try {
            Cipher cipher = cipher(Cipher.ENCRYPT_MODE, own, out.array());
            cipher.doFinal(plain, offset, length, out.array(), HEADER_BYTES);
        } catch (GeneralSecurityException missing) {
            throw new IllegalStateException("every Java runtime has AES-GCM", missing);
        }
        return out.array();
    }

    /** The content, or empty if the bytes were not sealed with the same key. */
    Optional<byte[]> open(byte[] sealed, int offset, int length) {
        if (length < HEADER_BYTES + TAG_BYTES || sealed[offset] != VERSION) {
            return Optional.empty();
        }
        byte[] header = Arrays.copyOfRange(sealed, offset, offset + HEADER_BYTES);
        ByteBuffer sender = ByteBuffer.wrap(Arrays.copyOfRange(header, 1, 1 + SALT_BYTES));
        SecretKeySpec known = senders.get(sender);
        SecretKeySpec theirs = known != null ? known : key.forSender(sender.array());
        try {
            byte[] plain = cipher(Cipher.DECRYPT_MODE, theirs, header)
                    .doFinal(sealed, offset + HEADER_BYTES, length - HEADER_BYTES);
            if (known == null) {
                senders.put(sender, theirs);
            }
            return Optional.of(plain);
        } catch (GeneralSecurityException foreign) {
            return Optional.empty();
        }
    }

    private static Cipher cipher(int mode, SecretKeySpec key, byte[] header) throws GeneralSecurityException {
        byte[] nonce = new byte[NONCE_BYTES];
        System.arraycopy(header, 1 + SALT_BYTES, nonce, NONCE_BYTES - Long.BYTES, Long.BYTES);
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
        cipher.init(mode, key, new GCMParameterSpec(TAG_BYTES * 8, nonce));
        cipher.updateAAD(header, 0, HEADER_BYTES);
        return cipher;
    }
}
