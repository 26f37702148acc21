package dev.holdfast.coordinator.seal;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;

/** Opens the records that {@link SealedOutput} has sealed. Holds one record at the most, whatever is announced. One thread. */
final class SealedInput extends InputStream {

    private static final int HEADER = Integer.BYTES;

    private final InputStream in;
    private final Seal seal;
    private final byte[] sealed = new byte[SealedOutput.MOST + Seal.TAG];
    private final byte[] plain = new byte[SealedOutput.MOST];
    private int start;
    private int end;

    SealedInput(InputStream in, Seal seal) {
        this.in = in;
        this.seal = seal;
    }

    /** Takes the record without content that proves that the other end knows the key. */
    void greeting() throws IOException {
        if (record() != 0) {
            throw new IOException("a stranger is at the other end: its greeting has content");
        }
    }

    /** The next record is in {@code plain}; how long it is, -1 at the end. */
    private int record() throws IOException {
        byte[] header = in.readNBytes(HEADER);
        if (header.length == 0) {
            return -1;
        }
        if (header.length < HEADER) {
            throw new EOFException("the connection was cut off");
        }
        int length = ByteBuffer.wrap(header).getInt();
        if (length < Seal.TAG || length > sealed.length) {
            throw new IOException("a record of " + length + " bytes came over the connection");
        }
        if (in.readNBytes(sealed, 0, length) < length) {
            throw new EOFException("the connection was cut off");
        }
        seal.open(sealed, 0, length, plain, 0);
        return length - Seal.TAG;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : Byte.toUnsignedInt(one[0]);
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
        if (length == 0) {
            return 0;
        }
        while (start == end) {
            int next = record();
            if (next < 0) {
                return -1;
            }
            start = 0;
            end = next;
        }
        int count = Math.min(length, end - start);
        System.arraycopy(plain, start, into, offset, count);
        start += count;
        return count;
    }

    @Override
    public int available() {
        return end - start;
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
