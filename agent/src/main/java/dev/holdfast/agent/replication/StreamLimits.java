package dev.holdfast.agent.replication;

import dev.holdfast.agent.hypervisor.replication.EpochEnd;
import dev.holdfast.agent.hypervisor.replication.EpochLimits;
import java.time.Duration;
import java.util.Optional;

/** How long the memory of an epoch may be on its way. Thread-safe. */
record StreamLimits(ReplicaPlan plan, EpochPacing pacing) {
    private static final Duration LONGEST = Duration.ofSeconds(2);
    /** Nothing holds the guest yet while its whole memory goes over for the first time. */
    private static final Duration LONGEST_FIRST = Duration.ofSeconds(60);
    /** A guest that stands still changes nothing meanwhile. */
    private static final Duration LONGEST_STILL = Duration.ofSeconds(30);

    private static final long NO_LIMIT = 1L << 40;
    private static final int DOWNTIME_SHARE = 4;

    /**
     * @param last the guest is not to run after it
     * @param held it stands still already
     */
    EpochLimits limits(boolean last, long epoch, boolean held) {
        Duration least = held ? LONGEST_STILL : LONGEST;
        Duration length = longer(pacing.interval(), epoch == 1 ? LONGEST_FIRST : least);
        return new EpochLimits(
                plan.maxPause().dividedBy(DOWNTIME_SHARE),
                last ? length.multipliedBy(DOWNTIME_SHARE) : length,
                last ? plan.maxLag().plus(plan.maxPause()) : plan.maxPause(),
                plan.maxLag(),
                plan.bytesPerSecond() > 0 ? plan.bytesPerSecond() : NO_LIMIT,
                plan.policy().outputCommit());
    }

    /** Why a standby does not become one: each later epoch would hold the guest if they take as long as the first did. */
    Optional<String> tooSlow(EpochEnd end) {
        Duration most = longer(pacing.most(), LONGEST_STILL);
        if (end.epoch() != 1 || end.length().compareTo(most) <= 0) {
            return Optional.empty();
        }
        return Optional.of(("its first epoch took %d s, and with an interval of %d ms none may take more than %d s; "
                        + "raise interval or bandwidth, or see what slows the network")
                .formatted(end.length().toSeconds(), plan.interval().toMillis(), most.toSeconds()));
    }

    private static Duration longer(Duration one, Duration other) {
        return one.compareTo(other) > 0 ? one : other;
    }
}
