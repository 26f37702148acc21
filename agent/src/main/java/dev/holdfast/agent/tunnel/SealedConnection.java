package dev.holdfast.agent.tunnel;

import java.io.BufferedOutputStream;
import java.io.Closeable;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.Arrays;
import javax.crypto.Cipher;
import javax.crypto.SecretKey;
import javax.crypto.spec.IvParameterSpec;
import org.jspecify.annotations.Nullable;

/**
 * A TCP connection of sealed messages: ChaCha20-Poly1305 (RFC 8439), a key for each direction of each connection, the number of
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

    private static final byte[] MAGIC = "HOLDFAST MOVE 1\n".getBytes(StandardCharsets.US_ASCII);
    private static final String THERE = "to the one who was called";
    private static final String BACK = "to the caller";
    private static final int SALT = 32;
    private static final int TAG = 16;
    private static final int NONCE = 12;
    private static final int PRACTICE = 10_000;
    private static final int PRACTICE_BYTES = 1024;

    private final Socket socket;
    private final DataInputStream in;
    private final DataOutputStream out;
    private final Seal sending;
    private final Seal receiving;
    private final String purpose;

    private SealedConnection(Socket socket, DataInputStream in, Seal sending, Seal receiving, String purpose)
            throws IOException {
        this.socket = socket;
        this.in = in;
        this.out = new DataOutputStream(new BufferedOutputStream(socket.getOutputStream(), MOST + 64));
        this.sending = sending;
        this.receiving = receiving;
        this.purpose = purpose;
    }

    /** The key of a direction and how many messages it has sealed. */
    private static final class Seal {
        private final SecretKey key;
        private final Cipher cipher;
        private long count;

        /** The agent's JVM does without its second compiler, and so without what makes AES-GCM fast: a fifth of this. */
        Seal(SecretKey key) throws GeneralSecurityException {
            this.key = key;
            this.cipher = Cipher.getInstance("ChaCha20-Poly1305");
        }

        byte[] apply(int mode, byte[] bytes, int offset, int length) throws IOException {
            try {
                ByteBuffer nonce = ByteBuffer.allocate(NONCE).putInt(0).putLong(++count);
                cipher.init(mode, key, new IvParameterSpec(nonce.array()));
                return cipher.doFinal(bytes, offset, length);
            } catch (GeneralSecurityException e) {
                throw new IOException("what came through the tunnel is not from the other agent, or was altered", e);
            }
        }
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
            DataInputStream in = new DataInputStream(socket.getInputStream());
            byte[] other = salt(in, address);
            SealedConnection connection = new SealedConnection(
                    socket, in, seal(secret, THERE, salt, other), seal(secret, BACK, salt, other), purpose);
            connection.send(purpose.getBytes(StandardCharsets.UTF_8));
            connection.requireWelcome();
            socket.setSoTimeout(0);
            return connection;
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    private static byte[] salt(DataInputStream in, InetSocketAddress address) throws IOException {
        byte[] salt = new byte[SALT];
        try {
            in.readFully(salt);
            return salt;
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
            DataInputStream in = new DataInputStream(socket.getInputStream());
            byte[] magic = new byte[MAGIC.length];
            in.readFully(magic);
            if (!Arrays.equals(magic, MAGIC)) {
                throw new IOException("a stranger has called");
            }
            byte[] other = new byte[SALT];
            in.readFully(other);
            byte[] salt = Secret.random();
            socket.getOutputStream().write(salt);
            Seal receiving = seal(secret, THERE, other, salt);
            byte[] first = message(in, receiving, MOST_OF_A_STRANGER);
            if (first == null) {
                throw new EOFException("the caller did not say what for");
            }
            SealedConnection connection = new SealedConnection(
                    socket, in, seal(secret, BACK, other, salt), receiving, new String(first, StandardCharsets.UTF_8));
            socket.setSoTimeout(0);
            return connection;
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    /**
     * Seals and opens messages for nobody, until this Java does it with the processor's own instructions; before that it does some 10
     * MB a second. Takes about a second.
     */
    public static void practise() throws IOException {
        byte[] salt = Secret.random();
        Secret secret = Secret.fresh();
        Seal there = seal(secret, THERE, salt, salt);
        Seal back = seal(secret, THERE, salt, salt);
        byte[] message = new byte[PRACTICE_BYTES];
        for (int i = 0; i < PRACTICE; i++) {
            byte[] sealed = there.apply(Cipher.ENCRYPT_MODE, message, 0, message.length);
            back.apply(Cipher.DECRYPT_MODE, sealed, 0, sealed.length);
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
        byte[] sealed = sending.apply(Cipher.ENCRYPT_MODE, bytes, offset, length);
        out.writeInt(sealed.length);
        out.write(sealed);
        out.flush();
    }

    /**
     * The next message, null if the other end has sent all.
     *
     * @throws IOException it was cut off, or altered
     */
    public byte @Nullable [] receive() throws IOException {
        return message(in, receiving, MOST);
    }

    private static byte @Nullable [] message(DataInputStream in, Seal seal, int most) throws IOException {
        int length = in.readInt();
        if (length < TAG || length > most + TAG) {
            throw new IOException("a message of " + length + " bytes came through the tunnel");
        }
        byte[] sealed = new byte[length];
        in.readFully(sealed);
        byte[] plain = seal.apply(Cipher.DECRYPT_MODE, sealed, 0, length);
        return plain.length == 0 ? null : plain;
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
