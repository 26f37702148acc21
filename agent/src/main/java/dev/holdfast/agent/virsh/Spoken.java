package dev.holdfast.agent.virsh;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a program has written and nobody has taken yet. One thread reads it from the program; any may take. */
final class Spoken {
    private static final Logger LOG = LoggerFactory.getLogger(Spoken.class);

    private final int longest;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition more = lock.newCondition();
    /** One character for each byte, because a letter may come in two parts. */
    private final StringBuilder text = new StringBuilder();

    private boolean ended;

    /** @param longest bytes that may wait to be taken; when there are more, nothing is read any more */
    Spoken(int longest) {
        this.longest = longest;
    }

    /** Reads to the end, or until there is too much. */
    void readAll(InputStream source) {
        byte[] chunk = new byte[8192];
        try (source) {
            for (int read = source.read(chunk); read >= 0 && add(chunk, read); read = source.read(chunk)) {
                // All of it has been added.
            }
        } catch (IOException e) {
            LOG.debug("it was closed, or ended in the middle: {}", e.getMessage()); // What was said before is there.
        } finally {
            end();
        }
    }

    private boolean add(byte[] chunk, int count) {
        lock.lock();
        try {
            text.append(new String(chunk, 0, count, StandardCharsets.ISO_8859_1));
            more.signalAll();
            return text.length() <= longest;
        } finally {
            lock.unlock();
        }
    }

    private void end() {
        lock.lock();
        try {
            ended = true;
            more.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits for a mark and takes what is before it, and the mark.
     *
     * @param nanos how long to wait
     * @return empty if the mark did not come: the time is over, the program has ended, or there is too much
     */
    Optional<String> takeUntil(String mark, long nanos) throws InterruptedException {
        lock.lock();
        try {
            long left = nanos;
            int at = text.indexOf(mark);
            while (at < 0 && !ended && left > 0) {
                left = more.awaitNanos(left);
                at = text.indexOf(mark);
            }
            if (at < 0) {
                return Optional.empty();
            }
            String taken = text.substring(0, at);
            text.delete(0, at + mark.length());
            return Optional.of(new String(taken.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8));
        } finally {
            lock.unlock();
        }
    }

    /** Whether nothing more will come: the program has ended, or has said too much. */
    boolean hasEnded() {
        lock.lock();
        try {
            return ended;
        } finally {
            lock.unlock();
        }
    }

    /** Whether it has said more than anybody wants to read. */
    boolean isTooMuch() {
        lock.lock();
        try {
            return text.length() > longest;
        } finally {
            lock.unlock();
        }
    }
}
