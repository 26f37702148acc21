package dev.holdfast.agent.control;

import dev.holdfast.agent.unix.LineSocket;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * The lines that wait for a caller to read them, and the thread that writes them: so that no operation ever waits for a
 * caller. Thread-safe.
 */
final class Outbox {
    private static final int CAPACITY = 256;
    /** Ends the writer; no line of ours is empty. */
    private static final String END = "";

    private final LineSocket socket;
    private final Duration patience;
    private final BlockingQueue<String> lines = new ArrayBlockingQueue<>(CAPACITY);
    private final Thread writer;

    /** @param patience how long a line that must not be lost waits for room */
    Outbox(LineSocket socket, Duration patience, String name) {
        this.socket = socket;
        this.patience = patience;
        this.writer = new Thread(this::write, name);
        this.writer.setDaemon(true);
        this.writer.start();
    }

    /** Sends a line, or drops it when the caller is slow. Never blocks. */
    void offer(String line) {
        if (lines.size() < CAPACITY - 2) {
            lines.offer(line);
        }
    }

    /**
     * Sends a line that must not be dropped.
     *
     * @return false if the caller does not read; it is given up then
     */
    boolean send(String line) throws InterruptedException {
        return lines.offer(line, patience.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** Waits until everything is written, within the patience, and ends the writer. */
    void finish() throws InterruptedException {
        if (lines.offer(END, patience.toMillis(), TimeUnit.MILLISECONDS)) {
            writer.join(patience.toMillis());
        }
        writer.interrupt();
    }

    private void write() {
        try {
            for (String line = lines.take(); !line.equals(END); line = lines.take()) {
                socket.send(line);
            }
        } catch (IOException e) {
            // The caller is gone; its operation goes on, and nobody hears of it.
            lines.clear();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
