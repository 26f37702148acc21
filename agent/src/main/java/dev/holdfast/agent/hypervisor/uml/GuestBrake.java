package dev.holdfast.agent.hypervisor.uml;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;

/**
 * Stops a guest over its console, and lets it go on. The guest's kernel puts an order to stop aside for a thread of its own, while it obeys
 * one to go on at once: a stop that was not answered in time may be carried out after an order to go on that was answered with "Not
 * stopped". So such a stop is remembered, and its answer waited for, before the guest is said to run. Thread-safe.
 */
final class GuestBrake implements AutoCloseable {
    private final Mconsole console;
    private final LongSupplier nanoClock;
    private final ReentrantLock lock = new ReentrantLock();
    /** The order to stop that is not answered yet. */
    private Optional<Mconsole.Request> unanswered = Optional.empty();

    /** @param nanoClock monotonic nanoseconds */
    GuestBrake(Mconsole console, LongSupplier nanoClock) {
        this.console = console;
        this.nanoClock = nanoClock;
    }

    /**
     * Orders the guest to stop, or waits for the answer to the order that has not been answered yet.
     *
     * @param bound for the whole of it
     * @throws SocketTimeoutException if there is no answer in time: it may stop at any time
     */
    Mconsole.Answer stop(Duration bound) throws IOException {
        long start = begin(bound);
        try {
            if (unanswered.isEmpty()) {
                unanswered = Optional.of(console.send("stop", left(start, bound)));
            }
            return awaitStop(left(start, bound));
        } finally {
            lock.unlock();
        }
    }

    /**
     * Orders the guest to go on.
     *
     * @param bound for the whole of it
     * @throws SocketTimeoutException if there is no answer in time, or none to an order to stop from before: it may be stopped, or
     *     stop at any time
     */
    Mconsole.Answer letRun(Duration bound) throws IOException {
        long start = begin(bound);
        try {
            if (unanswered.isPresent()) {
                awaitStop(left(start, bound));
            }
            return console.ask("go", left(start, bound));
        } finally {
            lock.unlock();
        }
    }

    private Mconsole.Answer awaitStop(Duration bound) throws IOException {
        Mconsole.Request stop = unanswered.orElseThrow();
        try {
            Mconsole.Answer answer = stop.await(bound);
            forget(stop);
            return answer;
        } catch (SocketTimeoutException e) {
            throw e; // It is still to come.
        } catch (IOException e) {
            forget(stop);
            throw e;
        }
    }

    private void forget(Mconsole.Request stop) throws IOException {
        unanswered = Optional.empty();
        stop.close();
    }

    /** Another thread may wait for an answer at this moment. */
    private long begin(Duration bound) throws IOException {
        long start = nanoClock.getAsLong();
        try {
            if (lock.tryLock(bound.toNanos(), TimeUnit.NANOSECONDS)) {
                return start;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        throw new SocketTimeoutException(
                "an order to " + console.socket() + " was not answered within " + bound.toMillis() + " ms");
    }

    /** At least the shortest time that can be waited. */
    private Duration left(long start, Duration bound) {
        Duration left = bound.minusNanos(nanoClock.getAsLong() - start);
        return left.toMillis() < 1 ? Duration.ofMillis(1) : left;
    }

    /** What is not answered is not waited for any more, but for an order that another thread gives at this moment. */
    @Override
    public void close() {
        lock.lock();
        try {
            if (unanswered.isPresent()) {
                forget(unanswered.get());
            }
        } catch (IOException e) {
            // Nothing was to come of it.
        } finally {
            lock.unlock();
        }
    }
}
