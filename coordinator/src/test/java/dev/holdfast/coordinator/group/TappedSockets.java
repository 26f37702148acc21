package dev.holdfast.coordinator.group;

import dev.holdfast.coordinator.seal.SealedSocket;
import java.io.ByteArrayOutputStream;
import java.io.FilterInputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.util.concurrent.atomic.AtomicBoolean;

/** Sealed sockets on whose wire somebody listens, who may also send again what has just gone by. Thread-safe. */
final class TappedSockets extends SealedSocketFactory {

    private final ChannelKey key;
    private final ByteArrayOutputStream sent = new ByteArrayOutputStream();
    private final ByteArrayOutputStream received = new ByteArrayOutputStream();
    private final AtomicBoolean repeat = new AtomicBoolean();

    TappedSockets(ChannelKey key) {
        super(key, new Counters());
        this.key = key;
    }

    /** What callers have sent, from the first byte of the first connection on. */
    byte[] sent() {
        return sent.toByteArray();
    }

    byte[] received() {
        return received.toByteArray();
    }

    /** The next record goes out twice. */
    void repeatNext() {
        repeat.set(true);
    }

    boolean hasRepeated() {
        return !repeat.get();
    }

    @Override
    public Socket createSocket(String service) {
        return new SealedSocket(key::forConnection) {
            @Override
            protected InputStream rawInput() throws IOException {
                return new FilterInputStream(super.rawInput()) {
                    @Override
                    public int read(byte[] bytes, int offset, int length) throws IOException {
                        int count = super.read(bytes, offset, length);
                        received.write(bytes, offset, Math.max(0, count));
                        return count;
                    }
                };
            }

            @Override
            protected OutputStream rawOutput() throws IOException {
                return new FilterOutputStream(super.rawOutput()) {
                    @Override
                    public void write(byte[] bytes, int offset, int length) throws IOException {
                        sent.write(bytes, offset, length);
                        out.write(bytes, offset, length);
                        if (repeat.compareAndSet(true, false)) {
                            out.write(bytes, offset, length);
                        }
                    }
                };
            }
        };
    }
}
