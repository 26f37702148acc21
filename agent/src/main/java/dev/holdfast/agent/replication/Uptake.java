package dev.holdfast.agent.replication;

import java.time.Duration;

/**
 * Whether a standby that gives signs of life takes epochs, too. One that does not, because it has no room or nothing gets through to it,
 * would hold the guest for ever. One thread at a time.
 */
final class Uptake {
    private static final int MOST = 3;

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
     * @param blameless the guest was not in its way: it stood still, or there was time enough
     * @param begunAt when that epoch began
     * @return whether the standby counts as lost
     */
    boolean isLostAfter(boolean blameless, long begunAt, long now) {
        if (inARow++ == 0) {
            since = begunAt;
        }
        return blameless && inARow >= MOST && now - since >= patience.toNanos();
    }
}
