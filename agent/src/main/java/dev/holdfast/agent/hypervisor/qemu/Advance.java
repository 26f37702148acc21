package dev.holdfast.agent.hypervisor.qemu;

import java.time.Duration;

/** Whether something long still moves. One thread. */
final class Advance {
    private final Monitor monitor;
    private final Duration patience;
    private long last = -1;
    private long lastMoved;

    /** @param patience how long it may stand still */
    Advance(Monitor monitor, Duration patience) {
        this.monitor = monitor;
        this.patience = patience;
        this.lastMoved = monitor.nanoClock().getAsLong();
    }

    /** @param done how far it has come by now */
    boolean isStuck(long done) {
        if (done != last) {
            last = done;
            lastMoved = monitor.nanoClock().getAsLong();
        }
        return monitor.left(lastMoved, patience).isZero();
    }
}
