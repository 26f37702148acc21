package dev.holdfast.coordinator.replication;

import java.time.Duration;
import java.util.Optional;

/**
 * What the administrator has chosen for a replicated machine. Immutable.
 *
 * @param onIsolation what a primary does that has lost both its standby and the store
 * @param outputCommit whether what the guest sends leaves the host only when its epoch is committed
 * @param maxStale a copy whose last commit is older than this is not promoted; empty: any age. Too small refuses a good standby
 *     after a long outage, too large lets {@code continue} lose more
 */
public record Policy(OnIsolation onIsolation, boolean outputCommit, Optional<Duration> maxStale) {

    /** What a primary does that has lost both its standby and the store. */
    public enum OnIsolation {
        /** It keeps the guest still until either answers. */
        PAUSE,
        /** It lets the guest run on, unrecorded. The standby may then be promoted although the guest has gone further. */
        CONTINUE
    }

    /** @throws IllegalArgumentException if the choices contradict each other; the message is meant for the user */
    public Policy {
        if (onIsolation == OnIsolation.CONTINUE && outputCommit) {
            throw new IllegalArgumentException(
                    "on_isolation = continue releases output that is not committed, so it cannot be"
                            + " combined with output_commit; use on_isolation = pause");
        }
        if (onIsolation == OnIsolation.CONTINUE && maxStale.isEmpty()) {
            throw new IllegalArgumentException(
                    "on_isolation = continue needs max_stale: nothing else bounds what is lost when"
                            + " the standby is promoted");
        }
    }

    /** Nothing is ever lost but time. */
    public static Policy pause() {
        return new Policy(OnIsolation.PAUSE, false, Optional.empty());
    }
}
