package dev.holdfast.agent.config;

import java.time.Duration;

/**
 * The relations between durations without which rounds would end late or never. Safety needs none of them. Checked when a
 * configuration is read; those that involve pacemaker's time-outs are not visible from here.
 */
public final class LivenessCheck {
    /** How soon the channel notices that a member was killed. */
    public static final Duration CRASH_DETECTION = Duration.ofSeconds(1);
    /** The longest stall of this JVM after which it still does its office. */
    public static final Duration TOLERATED_STALL = Duration.ofSeconds(2);

    private LivenessCheck() {}

    static void check(
            TableReader zookeeper, ZooKeeperSettings store, TableReader checkpoint, CheckpointSettings round) {
        if (round.deadline().compareTo(CRASH_DETECTION) <= 0) {
            checkpoint.problem(
                    "deadline",
                    "\"checkpoint.deadline\" is %s, but a crashed member is noticed only after %s, so that its death would never be the reason given for a failed round"
                            .formatted(Quantity.text(round.deadline()), Quantity.text(CRASH_DETECTION)),
                    "use more than " + Quantity.text(CRASH_DETECTION)
                            + " (--deadline may ask for less, round by round)");
        }
        if (round.drainTimeout().compareTo(round.deadline()) <= 0) {
            checkpoint.problem(
                    "drain_timeout",
                    "\"checkpoint.drain_timeout\" (%s) counts from the freeze and is not longer than \"checkpoint.deadline\" (%s)"
                            .formatted(Quantity.text(round.drainTimeout()), Quantity.text(round.deadline())),
                    "use a longer drain_timeout or a shorter deadline");
        }
        if (store.sessionTimeout().multipliedBy(2).compareTo(TOLERATED_STALL.multipliedBy(3)) <= 0) {
            zookeeper.problem(
                    "session_timeout",
                    "two thirds of \"zookeeper.session_timeout\" (%s) are not longer than a stall of %s, so that an ordinary stall would cost this node its session"
                            .formatted(Quantity.text(store.sessionTimeout()), Quantity.text(TOLERATED_STALL)),
                    "use more than "
                            + Quantity.text(TOLERATED_STALL.multipliedBy(3).dividedBy(2)));
        }
    }
}
