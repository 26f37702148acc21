package dev.holdfast.agent.replication;

import java.time.Duration;

/**
 * Whether a standby that gives signs of life takes epochs, too. One that does not, because it has no room or nothing gets through to it,
 * would hold the guest for ever. One thread at a time.
 */
final class Uptake {
    /** What the guest did when an epoch began that was given up: how many in a row are too many. */
    enum Guest {
        /** It was not in the way, and waits. */
        STOOD_STILL(3),
        /** It may have changed its memory faster than it went over; nothing waits. */
        UNBOUND(10),
        /** The same, and the bound will stop it. */
        RAN(Integer.MAX_VALUE);

        private final int most;

        Guest(int most) {
            this.most = most;
        }
    }

    private final Duration patience;
    private int inARow;
    private long since;

    /** @param patience for so long at least nothing is concluded */
    Uptake(Duration patience) {
        this.patience = patience;
    }

    /** It has taken one, or it is another standby. */
    void begin() {
        inARow = 0;
    }

    /**
     * An epoch was given up.
     *
     * @param begunAt when that epoch began
     * @return whether the standby counts as lost
     */
    boolean isLostAfter(Guest guest, long begunAt, long now) {
        if (inARow++ == 0) {
            since = begunAt;
        }
        return inARow >= guest.most && now - since >= patience.toNanos();
    }
}
