package dev.holdfast.agent.replication;

import dev.holdfast.coordinator.replication.CopyFacts;
import dev.holdfast.coordinator.replication.Following;
import dev.holdfast.coordinator.replication.Leading;
import dev.holdfast.coordinator.replication.Out;
import dev.holdfast.coordinator.replication.ReplicaState;
import dev.holdfast.coordinator.replication.ReplicationRecord.Stored;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What pacemaker is told about promoting this node: where, not whether; {@link dev.holdfast.coordinator.replication.Promotion}
 * has the last word.
 *
 * <pre>
 * leads the machine                                                     1000
 * a standby in the set, with a committed epoch                          100, and 20 more if that is younger than 10 s, 10 up
 *                                                                       to a minute: each change makes pacemaker think anew
 * a copy in the set whose instance was stopped, and started again       the same: its memory is still there
 * disks in the set, without memory                                      50
 * the store has no record, the disks were never part of a replication   5
 * anything else: a promotion would be refused                           none
 * </pre>
 */
final class Score {
    private static final int PRIMARY = 1000;
    private static final int STANDBY = 100;
    private static final int FRESH = 20;
    private static final int DISKS = 50;
    private static final int FIRST = 5;

    private Score() {}

    /**
     * @param record as the store has last said
     * @param absent it has said that there is none
     * @param sinceCommit how long ago the last epoch was committed here
     */
    static OptionalInt of(ReplicaState state, Optional<Stored> record, boolean absent, Duration sinceCommit) {
        if (state instanceof Leading) {
            return OptionalInt.of(PRIMARY);
        }
        if (state instanceof Following following) {
            boolean counts = following.epoch() > 0
                    && record.filter(stored -> stored.record().inSync().contains(following.copy()))
                            .isPresent();
            return counts ? OptionalInt.of(STANDBY + bonus(sinceCommit)) : OptionalInt.empty();
        }
        return state instanceof Out out && out.copy().isPresent()
                ? ofCopy(out.copy().get(), record, absent, sinceCommit)
                : OptionalInt.empty();
    }

    private static OptionalInt ofCopy(CopyFacts copy, Optional<Stored> record, boolean absent, Duration sinceCommit) {
        OptionalInt disks = ofDisks(copy, record, absent);
        return copy.kind() == CopyFacts.Kind.RESTING && disks.isPresent()
                ? OptionalInt.of(STANDBY + bonus(sinceCommit))
                : disks;
    }

    private static int bonus(Duration sinceCommit) {
        if (sinceCommit.toSeconds() < 10) {
            return FRESH;
        }
        return sinceCommit.toSeconds() < 60 ? FRESH / 2 : 0;
    }

    private static OptionalInt ofDisks(CopyFacts disks, Optional<Stored> record, boolean absent) {
        if (record.isEmpty()) {
            return absent && disks.generation() == 0 ? OptionalInt.of(FIRST) : OptionalInt.empty();
        }
        return record.get().record().inSync().contains(disks.copy()) ? OptionalInt.of(DISKS) : OptionalInt.empty();
    }
}
