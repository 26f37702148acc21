package dev.holdfast.agent.migration;

import java.io.IOException;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

/** Ends the copying of what is frozen when the machine is wanted back, or nothing goes on. One thread. */
final class PartPatience implements OutgoingDisks.Patience {
    private final LongSupplier nanoClock;
    private final long untilNanos;
    private final BooleanSupplier calledOff;
    private long last = -1;
    private long lastMoved;

    PartPatience(LongSupplier nanoClock, long untilNanos, BooleanSupplier calledOff) {
        this.nanoClock = nanoClock;
        this.untilNanos = untilNanos;
        this.calledOff = calledOff;
    }

    @Override
    public void check(long done) throws IOException {
        long now = nanoClock.getAsLong();
        if (done != last) {
            last = done;
            lastMoved = now;
        }
        if (calledOff.getAsBoolean()) {
            throw new IOException("it was called back: the machine or the agent is being stopped");
        }
        if (now - lastMoved > Passage.STUCK.toNanos() || now - untilNanos > 0) {
            throw new IOException(
                    "the layers and memory images of its checkpoints did not get over in time; allow more time"
                            + " or bandwidth, or delete checkpoints");
        }
    }
}
