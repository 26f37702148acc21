package dev.holdfast.agent.virsh;

import dev.holdfast.agent.virsh.VirshException.Kind;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What happens to one domain, as libvirtd tells it: each stop and each resume by anybody, in order, over one connection. Who has heard of
 * his own has heard of all before it. From which moment on it hears is not said: only an event shows that it does.
 *
 * <p>Threads: one reads, any may ask.
 */
public final class VirshEvents implements AutoCloseable {
    private static final Pattern LINE =
            Pattern.compile("(\\S+ \\S+): event 'lifecycle' for domain '.*': ([A-Z][a-z]+) .*");
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss.SSSZ");
    /** More than happens to a domain while a capture lasts. */
    private static final int MOST = 1000;

    private static final Duration BEGIN = Duration.ofMillis(500);
    private static final long MICROS_PER_SECOND = 1_000_000L;
    private static final int NANOS_PER_MICRO = 1000;

    /**
     * Something that happened.
     *
     * @param what as {@code Suspended}
     * @param wallMicros libvirtd's wall clock, microseconds since 1970; 0 if it was not legible
     */
    public record Event(String what, long wallMicros) {}

    private final Process process;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition more = lock.newCondition();
    private final List<Event> heard = new ArrayList<>();
    private boolean ended;

    private VirshEvents(Process process) {
        this.process = process;
    }

    /**
     * Starts to listen.
     *
     * @param command the program and its words, the connection included
     * @param domain its UUID
     * @throws VirshException ABSENT
     */
    public static VirshEvents open(List<String> command, String domain) throws VirshException {
        List<String> words = new ArrayList<>(command);
        words.addAll(List.of("event", "--domain", domain, "--event", "lifecycle", "--loop", "--timestamp"));
        ProcessBuilder builder = new ProcessBuilder(words).redirectErrorStream(true);
        builder.environment().put("LC_ALL", "C");
        try {
            VirshEvents events = new VirshEvents(builder.start());
            Thread reader = new Thread(events::read, "virsh-events");
            reader.setDaemon(true);
            reader.start();
            return events;
        } catch (IOException e) {
            throw VirshException.notStarted(command, e);
        }
    }

    private void read() {
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null && take(line); line = lines.readLine()) {
                // It has been taken.
            }
        } catch (IOException e) {
            // Closed: the end is told below.
        } finally {
            end();
        }
    }

    /** Whether more may come. */
    private boolean take(String line) {
        Matcher matcher = LINE.matcher(line);
        if (!matcher.matches()) {
            return true; // What it says of its connection ends with it.
        }
        lock.lock();
        try {
            heard.add(new Event(matcher.group(2), micros(matcher.group(1))));
            more.signalAll();
            return heard.size() < MOST;
        } finally {
            lock.unlock();
        }
    }

    private static long micros(String text) {
        try {
            Instant at = TIME.parse(text, Instant::from);
            return at.getEpochSecond() * MICROS_PER_SECOND + at.getNano() / NANOS_PER_MICRO;
        } catch (DateTimeParseException e) {
            return 0;
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

    /** Whether none can have been missed since the first that was heard. */
    public boolean isOpen() {
        lock.lock();
        try {
            return !ended && process.isAlive();
        } finally {
            lock.unlock();
        }
    }

    /** All that was heard until now. */
    public List<Event> heard() {
        lock.lock();
        try {
            return List.copyOf(heard);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits for half a second, in which it will have begun to hear, or less if it has ended: virsh connects and registers within some 20 ms where
     * there is time, and does not say so. Who has waited may still be too early, and then hears nothing of his own.
     *
     * @throws VirshException UNKNOWN if interrupted
     */
    public void awaitBegin() throws VirshException {
        lock.lock();
        try {
            long left = BEGIN.toNanos();
            while (!ended && left > 0) {
                left = more.awaitNanos(left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new VirshException(Kind.UNKNOWN, "interrupted while virsh began to listen", e);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits for an event.
     *
     * @param after how many events to leave out
     * @return whether it came; not if nothing comes any more
     * @throws VirshException UNKNOWN if interrupted
     */
    public boolean await(String what, int after, Duration bound) throws VirshException {
        lock.lock();
        try {
            long left = bound.toNanos();
            while (!has(what, after) && !ended && left > 0) {
                left = more.awaitNanos(left);
            }
            return has(what, after);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new VirshException(Kind.UNKNOWN, "interrupted while an event was awaited", e);
        } finally {
            lock.unlock();
        }
    }

    private boolean has(String what, int after) {
        return heard.stream().skip(after).anyMatch(event -> event.what().equals(what));
    }

    /** Ends it. */
    @Override
    public void close() {
        process.destroyForcibly();
    }
}
