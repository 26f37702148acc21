package dev.holdfast.agent.hypervisor.qemu;

import java.util.function.LongSupplier;

/** What one side of an epoch has done when, for the log: microseconds since it began. One thread. */
final class EpochSteps {
    private static final int NANOS_PER_MICRO = 1000;

    private final LongSupplier nanoClock;
    private final long begin;
    private final StringBuilder text = new StringBuilder();

    EpochSteps(LongSupplier nanoClock) {
        this.nanoClock = nanoClock;
        this.begin = nanoClock.getAsLong();
    }

    /** Just now. */
    void mark(String step) {
        mark(step, nanoClock.getAsLong());
    }

    /** At a time of the same clock. */
    void mark(String step, long nanos) {
        text.append(' ').append(step).append('=').append((nanos - begin) / NANOS_PER_MICRO);
    }

    @Override
    public String toString() {
        return "steps us:" + text;
    }
}
