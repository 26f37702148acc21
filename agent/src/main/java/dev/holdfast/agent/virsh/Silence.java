package dev.holdfast.agent.virsh;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/** That libvirtd could not be connected to lately, so that not each machine waits for the same hang in turn. Thread-safe. */
public final class Silence {
    private static final Duration LENGTH = Duration.ofSeconds(10);

    private final LongSupplier nanoClock;
    private final AtomicLong left;

    /** @param nanoClock monotonic nanoseconds */
    public Silence(LongSupplier nanoClock) {
        this.nanoClock = nanoClock;
        this.left = new AtomicLong(nanoClock.getAsLong() - LENGTH.toNanos());
    }

    long now() {
        return nanoClock.getAsLong();
    }

    /** Nobody is asked for a while. */
    void begins() {
        left.set(now());
    }

    boolean lasts() {
        return now() - left.get() < LENGTH.toNanos();
    }
}
