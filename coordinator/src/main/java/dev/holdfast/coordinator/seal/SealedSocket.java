package dev.holdfast.coordinator.seal;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A TCP connection whose streams are sealed with AES-256-GCM, under keys that belong to this connection alone.
 *
 * <pre>  caller: magic | 32 bytes salt      called: 32 bytes salt      then each: records, the first one empty </pre>
 *
 * The keys are made of the shared key, both salts and the address that was called: what was recorded on one connection opens on
 * no other, and not to another node. The number of a record is its nonce, so that within a connection none can be left out or
 * sent again. Thread-safe as a {@link Socket} is.
 */
public class SealedSocket extends Socket {

    /** What both ends send before they have proved that they know the key, in bytes. */
    static final int GREETING_BYTES = 8 + 32 + Integer.BYTES + Seal.TAG;

    private static final byte[] MAGIC = "HOLDFAS1".getBytes(StandardCharsets.US_ASCII);
    private static final String THERE = "channel, to the one who was called";
    private static final String BACK = "channel, to the caller";
    private static final int SALT = 32;
    private static final SecureRandom CHANCE = new SecureRandom();

    /** The other end may be an agent that hangs, and a thread waits here that others may wait for. */
    private static final int ANSWER_MILLIS = 1_500;

    private final ConnectionKeys keys;
    private volatile @Nullable SealedInput input;
    private volatile @Nullable SealedOutput output;

    /** Makes one that is not connected. */
    public SealedSocket(ConnectionKeys keys) {
        this.keys = keys;
    }

    /** Loads what the first connection needs, which else takes a part of the time in which the other end must have answered. */
    public static void warmUp(ConnectionKeys keys) throws IOException {
        byte[] salt = salt();
        byte[] sealed = new byte[SALT + Seal.TAG];
        try {
            new Seal(keys.key(THERE, salt, salt, salt)).seal(salt, 0, SALT, sealed, 0);
            new Seal(keys.key(THERE, salt, salt, salt)).open(sealed, 0, sealed.length, salt, 0);
        } catch (GeneralSecurityException e) {
            throw new IOException("this Java cannot encrypt", e);
        }
    }

    /** For tests that look at the wire: the stream without seal. */
    protected InputStream rawInput() throws IOException {
        return super.getInputStream();
    }

    /** For tests that look at the wire: the stream without seal. */
    protected OutputStream rawOutput() throws IOException {
        return super.getOutputStream();
    }

    @Override
    public void connect(SocketAddress endpoint) throws IOException {
        connect(endpoint, 0);
    }

    /** @throws IOException also if who answers does not know the key, or takes longer than 1.5 s for a part of his answer */
    @Override
    public void connect(SocketAddress endpoint, int timeoutMillis) throws IOException {
        super.connect(endpoint, timeoutMillis);
        try {
            setSoTimeout(ANSWER_MILLIS);
            call(address((InetSocketAddress) endpoint));
            setSoTimeout(0);
        } catch (IOException e) {
            close();
            throw e;
        }
    }

    private static byte[] address(InetSocketAddress endpoint) {
        byte[] host = endpoint.getAddress().getAddress();
        return ByteBuffer.allocate(host.length + Integer.BYTES)
                .put(host)
                .putInt(endpoint.getPort())
                .array();
    }

    private static byte[] salt() {
        byte[] salt = new byte[SALT];
        CHANCE.nextBytes(salt);
        return salt;
    }

    private void call(byte[] called) throws IOException {
        byte[] salt = salt();
        rawOutput()
                .write(ByteBuffer.allocate(MAGIC.length + SALT)
                        .put(MAGIC)
                        .put(salt)
                        .array());
        byte[] other = exactly(SALT);
        SealedOutput out = new SealedOutput(rawOutput(), seal(THERE, called, salt, other));
        SealedInput in = new SealedInput(rawInput(), seal(BACK, called, salt, other));
        out.greeting();
        in.greeting();
        input = in;
        output = out;
    }

    /**
     * The other side of {@link #connect}, on a socket that was accepted.
     *
     * @throws IOException nobody has called who knows the key; who calls bounds the time by closing the socket
     */
    void answer() throws IOException {
        if (!Arrays.equals(exactly(MAGIC.length), MAGIC)) {
            throw new IOException("a stranger has called");
        }
        byte[] other = exactly(SALT);
        byte[] salt = salt();
        rawOutput().write(salt);
        byte[] called = address((InetSocketAddress) getLocalSocketAddress());
        SealedInput in = new SealedInput(rawInput(), seal(THERE, called, other, salt));
        SealedOutput out = new SealedOutput(rawOutput(), seal(BACK, called, other, salt));
        in.greeting();
        out.greeting();
        input = in;
        output = out;
    }

    private byte[] exactly(int bytes) throws IOException {
        byte[] got = rawInput().readNBytes(bytes);
        if (got.length < bytes) {
            throw new EOFException("the other end hung up; perhaps it has another key");
        }
        return got;
    }

    private Seal seal(String direction, byte[] called, byte[] callerSalt, byte[] calledSalt) throws IOException {
        try {
            return new Seal(keys.key(direction, called, callerSalt, calledSalt));
        } catch (GeneralSecurityException e) {
            throw new IOException("this Java cannot encrypt", e);
        }
    }

    @Override
    public InputStream getInputStream() throws IOException {
        SealedInput in = input;
        if (in == null) {
            throw new SocketException("the connection is not sealed yet");
        }
        return in;
    }

    @Override
    public OutputStream getOutputStream() throws IOException {
        SealedOutput out = output;
        if (out == null) {
            throw new SocketException("the connection is not sealed yet");
        }
        return out;
    }
}
