package dev.holdfast.agent.tunnel;

import dev.holdfast.coordinator.seal.Seal;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A TCP connection of sealed messages: AES-256-GCM, a key for each direction of each connection, the number of
 * the message as its nonce. Nothing can be read, altered, left out, repeated or cut off unnoticed. One thread may send while another receives.
 *
 * <pre>  caller: magic | 32 bytes salt      called: 32 bytes salt      then each: i32 length | ciphertext and tag </pre>
 *
 * The caller's first message says what the connection is for; an empty message is the end of a direction.
 */
public final class SealedConnection implements Closeable {
    /** Most that one message holds. */
    public static final int MOST = 64 * 1024;

    /** Most that a stranger can make this node hold: what a connection is for takes some 150 bytes. */
    static final int MOST_OF_A_STRANGER = 1024;

    private static final byte[] MAGIC = "HOLDFAST MOVE 2\n".getBytes(StandardCharsets.US_ASCII);
    private static final String THERE = "to the one who was called";
    private static final String BACK = "to the caller";
    private static final int SALT = 32;
    private static final int HEADER = Integer.BYTES;

    private final Socket socket;
    private final SealedInput in;
    private final OutputStream out;
    private final Seal sending;
    private final String purpose;
    private byte[] sealed = new byte[0];

    private SealedConnection(Socket socket, SealedInput in, Seal sending, String purpose) throws IOException {
        this.socket = socket;
        this.in = in;
        this.out = socket.getOutputStream();
        this.sending = sending;
        this.purpose = purpose;
    }

    /**
     * Calls another agent.
     *
     * @param purpose what it is for
     * @param patience for the connection to stand and to be answered
     * @throws SocketTimeoutException the other agent is there, and not ready for this purpose in that time
     */
    public static SealedConnection call(InetSocketAddress address, Secret secret, String purpose, Duration patience)
            throws IOException {
        Socket socket = new Socket();
        try {
            prepare(socket, patience);
            connect(socket, address, patience);
            byte[] salt = Secret.random();
            socket.getOutputStream().write(MAGIC);
            socket.getOutputStream().write(salt);
            byte[] other = salt(socket.getInputStream(), address);
            SealedInput in = new SealedInput(socket.getInputStream(), seal(secret, BACK, salt, other));
            SealedConnection connection = new SealedConnection(socket, in, seal(secret, THERE, salt, other), purpose);
            connection.send(purpose.getBytes(StandardCharsets.UTF_8));
            connection.requireWelcome();
            in.trust();
            socket.setSoTimeout(0);
            return connection;
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    private static byte[] exactly(InputStream in, int bytes) throws IOException {
        byte[] got = in.readNBytes(bytes);
        if (got.length < bytes) {
            throw new EOFException("the other end hung up");
        }
        return got;
    }

    private static byte[] salt(InputStream in, InetSocketAddress address) throws IOException {
        try {
            return exactly(in, SALT);
        } catch (SocketTimeoutException e) {
            throw new IOException(
                    "the agent at port %d of %s does not answer".formatted(address.getPort(), address.getHostString()),
                    e);
        }
    }

    private static void connect(Socket socket, InetSocketAddress address, Duration patience) throws IOException {
        try {
            socket.connect(address, Math.toIntExact(patience.toMillis()));
        } catch (IOException e) {
            throw new IOException(
                    ("TCP port %d of %s cannot be reached (%s); is there a firewall? Machines that move, and standbys, use the ports that"
                                    + " migration.ports there names, by default those of net.ipv4.ip_local_port_range")
                            .formatted(address.getPort(), address.getHostString(), e.getMessage()),
                    e);
        }
    }

    private void requireWelcome() throws IOException {
        byte[] answer = receive();
        if (answer == null || answer.length != 1) {
            String words = answer == null ? "it hung up" : new String(answer, StandardCharsets.UTF_8);
            throw new IOException("the other agent does not take \"%s\": %s".formatted(purpose, words));
        }
    }

    /** Says to the caller that all is ready for its purpose. */
    public void welcome() throws IOException {
        send(new byte[] {1});
    }

    /**
     * Answers a call. The caller is not welcome yet: {@link #welcome()}.
     *
     * @param patience for each thing that it has to say; who calls bounds the whole by closing the socket
     * @throws IOException nobody has called who knows the secret
     */
    public static SealedConnection answer(Socket socket, Secret secret, Duration patience) throws IOException {
        try {
            prepare(socket, patience);
            InputStream stream = socket.getInputStream();
            if (!Arrays.equals(exactly(stream, MAGIC.length), MAGIC)) {
                throw new IOException("a stranger has called");
            }
            byte[] other = exactly(stream, SALT);
            byte[] salt = Secret.random();
            socket.getOutputStream().write(salt);
            SealedInput in = new SealedInput(stream, seal(secret, THERE, other, salt));
            byte[] first = in.next();
            if (first == null) {
                throw new EOFException("the caller did not say what for");
            }
            in.trust();
            SealedConnection connection = new SealedConnection(
                    socket, in, seal(secret, BACK, other, salt), new String(first, StandardCharsets.UTF_8));
            socket.setSoTimeout(0);
            return connection;
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    private static void prepare(Socket socket, Duration patience) throws IOException {
        socket.setTcpNoDelay(true);
        socket.setKeepAlive(true);
        socket.setSoTimeout(Math.toIntExact(patience.toMillis()));
    }

    private static Seal seal(Secret secret, String direction, byte[] callerSalt, byte[] calledSalt) throws IOException {
        try {
            return new Seal(secret.key(direction, callerSalt, calledSalt));
        } catch (GeneralSecurityException e) {
            throw new IOException("this Java cannot encrypt", e);
        }
    }

    /** What the caller has said that it is for. */
    public String purpose() {
        return purpose;
    }

    /** Sends a message. */
    public void send(byte[] bytes) throws IOException {
        send(bytes, 0, bytes.length);
    }

    /** Sends a message of at least one byte. Blocks while the other end does not read. */
    public void send(byte[] bytes, int offset, int length) throws IOException {
        if (length < 1 || length > MOST) {
            throw new IllegalArgumentException("a message of " + length + " bytes");
        }
        put(bytes, offset, length);
    }

    /** Says that nothing more comes from here. */
    public void end() throws IOException {
        put(new byte[0], 0, 0);
    }

    private void put(byte[] bytes, int offset, int length) throws IOException {
        int all = HEADER + length + Seal.TAG;
        if (sealed.length < all) {
            sealed = new byte[all];
        }
        ByteBuffer.wrap(sealed).putInt(length + Seal.TAG);
        sending.seal(bytes, offset, length, sealed, HEADER);
        out.write(sealed, 0, all);
    }

    /**
     * The next message, null if the other end has sent all.
     *
     * @throws IOException it was cut off, or altered
     */
    public byte @Nullable [] receive() throws IOException {
        return in.next();
    }

    /**
     * Takes messages until the other end has sent all.
     *
     * @param into gets what they say; blocks
     * @throws IOException it was cut off, or altered, or cannot be written
     */
    public void receiveAll(WritableByteChannel into) throws IOException {
        byte[] message = new byte[MOST];
        for (int length = in.next(message); length >= 0; length = in.next(message)) {
            ByteBuffer buffer = ByteBuffer.wrap(message, 0, length);
            while (buffer.hasRemaining()) {
                into.write(buffer);
            }
        }
    }

    /** How long {@link #receive()} waits; zero is for ever. */
    public void patience(Duration patience) throws IOException {
        socket.setSoTimeout(Math.toIntExact(patience.toMillis()));
    }

    /** Cuts it off at once, whoever is reading or writing. */
    @Override
    public void close() throws IOException {
        socket.close();
    }
}
