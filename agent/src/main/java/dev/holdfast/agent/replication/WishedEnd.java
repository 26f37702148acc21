package dev.holdfast.agent.replication;

import java.time.Duration;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Somebody wants the guest to shut down. One that is held cannot: it is given a while in which what it waits for may come back, and
 * is ended then, or whoever stops it would wait in vain. Thread-safe.
 */
public final class WishedEnd {
    private static final Logger LOG = LoggerFactory.getLogger(WishedEnd.class);
    private static final Duration LOOK = Duration.ofSeconds(1);
    private static final int STILL = 5;

    private final SerialThread thread;
    private final Guest guest;
    private final BooleanSupplier held;
    private volatile boolean asked;
    private int still;

    /** @param held whether the guest stands still for want of its standby */
    WishedEnd(SerialThread thread, Guest guest, BooleanSupplier held) {
        this.thread = thread;
        this.guest = guest;
        this.held = held;
    }

    boolean isAsked() {
        return asked;
    }

    /** It shall end. */
    public void ask() {
        // An agent after this one is to know it.
        guest.noteShutDown(true);
        asked = true;
        thread.execute(() -> {
            still = 0;
            look();
        });
    }

    /** It may go on, or has ended. */
    public void forget() {
        guest.noteShutDown(false);
        asked = false;
    }

    private void look() {
        if (!asked) {
            return;
        }
        still = held.getAsBoolean() ? still + 1 : 0;
        if (still > STILL) {
            LOG.warn("the guest is to shut down and stands still for want of its standby: its process is ended");
            guest.kill();
        } else {
            thread.after(LOOK, this::look);
        }
    }
}
