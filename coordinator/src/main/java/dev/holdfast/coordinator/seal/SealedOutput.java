package dev.holdfast.coordinator.seal;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;

/**
 * Seals what is written, each write a record of its own, or several: {@code i32 length | ciphertext and tag}. Thread-safe;
 * blocks while the other end does not read.
 */
final class SealedOutput extends OutputStream {

    /** Most that one record holds, in bytes. */
    static final int MOST = 16 * 1024;

    private static final int HEADER = Integer.BYTES;

    private final OutputStream out;
    private final Seal seal;
    private final byte[] sealed = new byte[HEADER + MOST + Seal.TAG];

    SealedOutput(OutputStream out, Seal seal) {
        this.out = out;
        this.seal = seal;
    }

    /** Sends the record without content that proves that this end knows the key. */
    synchronized void greeting() throws IOException {
        record(sealed, 0, 0);
    }

    private void record(byte[] bytes, int offset, int length) throws IOException {
        ByteBuffer.wrap(sealed).putInt(length + Seal.TAG);
        seal.seal(bytes, offset, length, sealed, HEADER);
        out.write(sealed, 0, HEADER + length + Seal.TAG);
    }

    @Override
    public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public synchronized void write(byte[] bytes, int offset, int length) throws IOException {
        for (int done = 0; done < length; done += MOST) {
            record(bytes, offset + done, Math.min(MOST, length - done));
        }
    }

    @Override
    public void flush() throws IOException {
        out.flush();
    }

    @Override
    public void close() throws IOException {
        out.close();
    }
}
