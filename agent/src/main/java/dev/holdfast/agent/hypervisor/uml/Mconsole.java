package dev.holdfast.agent.hypervisor.uml;

import dev.holdfast.agent.unix.DatagramPeer;
import java.io.Closeable;
import java.io.IOException;
import java.net.ProtocolException;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * The management console of a User-Mode Linux (arch/um/drivers/mconsole_kern.c): one datagram asks, one or more answer. Nothing in an
 * answer says what it answers, so that each request has a socket of its own. Thread-safe.
 *
 * <p>{@code sysrq t} is never to be sent: it crashes Linux 6.1.
 *
 * @param socket of the console
 * @param words as {@link DatagramPeer#connect} needs them, another one each time
 * @param nanoClock monotonic nanoseconds
 */
record Mconsole(Path socket, Supplier<String> words, LongSupplier nanoClock) {
    /** The longest answer that a kernel gives is its log; more than this is none. */
    private static final int MOST_BYTES = 4 << 20;

    /**
     * What the kernel answered.
     *
     * @param error 0 if it did what was asked; 1 or a negative number of an error if not
     * @param text the words, without line ends at their end
     */
    record Answer(int error, String text) {
        boolean isDone() {
            return error == 0;
        }
    }

    /**
     * Asks, and waits for all of the answer.
     *
     * @param timeout bound for the whole of it
     * @throws SocketTimeoutException if it did not come in time, or not all of it: what was asked may have been done or may still be
     * @throws ProtocolException if what came is no answer of such a console
     * @throws IOException if there is no such console
     */
    Answer ask(String command, Duration timeout) throws IOException {
        long start = nanoClock.getAsLong();
        try (Request request = send(command, timeout)) {
            return request.await(timeout.minusNanos(nanoClock.getAsLong() - start));
        }
    }

    /**
     * Asks, and leaves the answer to whoever waits for it.
     *
     * @param timeout how long the console may take nothing, at least 1 ms
     * @throws IOException if it was not asked
     */
    Request send(String command, Duration timeout) throws IOException {
        byte[] bytes = MconsoleWire.request(command);
        DatagramPeer peer = DatagramPeer.connect(socket, words.get(), nanoClock);
        try {
            peer.send(bytes, timeout);
            return new Request(command, peer);
        } catch (IOException e) {
            peer.close();
            throw e;
        }
    }

    /** What was asked and may be answered at any time. One thread at a time. */
    final class Request implements Closeable {
        private final String command;
        private final DatagramPeer peer;
        private final StringBuilder text = new StringBuilder();

        private Request(String command, DatagramPeer peer) {
            this.command = command;
            this.peer = peer;
        }

        /**
         * Waits for all of the answer. After a time-out it may be waited for again.
         *
         * @throws SocketTimeoutException if it did not come in time, or not all of it
         * @throws ProtocolException if what came is no answer of such a console
         */
        Answer await(Duration timeout) throws IOException {
            long start = nanoClock.getAsLong();
            while (true) {
                MconsoleWire.Piece piece = MconsoleWire.piece(socket, receive(start, timeout));
                text.append(piece.text());
                if (!piece.more()) {
                    return new Answer(piece.error(), text.toString().strip());
                }
                if (text.length() > MOST_BYTES) {
                    throw new ProtocolException("the answer of " + socket + " to \"" + command + "\" has no end");
                }
            }
        }

        private byte[] receive(long start, Duration timeout) throws IOException {
            Duration left = timeout.minusNanos(nanoClock.getAsLong() - start);
            if (left.toMillis() < 1) {
                throw new SocketTimeoutException(
                        "the answer of " + socket + " was not whole within " + timeout.toMillis() + " ms");
            }
            return peer.receive(MconsoleWire.LONGEST_PIECE, left);
        }

        @Override
        public void close() throws IOException {
            peer.close();
        }
    }
}
