package dev.holdfast.agent.hypervisor.block;

import java.time.Duration;
import java.util.function.LongSupplier;

/** Whether something long still moves. One thread. */
public final class Advance {
    private final LongSupplier nanoClock;
    private final Duration patience;
    private long last = -1;
    private long lastMoved;

    /** @param patience how long it may stand still */
    public Advance(BlockMonitor monitor, Duration patience) {
        this.nanoClock = monitor.nanoClock();
        this.patience = patience;
        this.lastMoved = nanoClock.getAsLong();
    }

    /** @param done how far it has come by now */
    public boolean isStuck(long done) {
        if (done != last) {
            last = done;
            lastMoved = nanoClock.getAsLong();
        }
        return nanoClock.getAsLong() - lastMoved >= patience.toNanos();
    }
}
