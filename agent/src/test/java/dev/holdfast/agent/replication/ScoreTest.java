package dev.holdfast.agent.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Alone;
import dev.holdfast.coordinator.replication.Copy;
import dev.holdfast.coordinator.replication.CopyFacts;
import dev.holdfast.coordinator.replication.Following;
import dev.holdfast.coordinator.replication.Life;
import dev.holdfast.coordinator.replication.Out;
import dev.holdfast.coordinator.replication.Policy;
import dev.holdfast.coordinator.replication.ReplicaState;
import dev.holdfast.coordinator.replication.ReplicationRecord;
import dev.holdfast.coordinator.replication.ReplicationRecord.Stored;
import dev.holdfast.coordinator.replication.Self;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class ScoreTest {
    private static final Self SELF = new Self(new Name("n1"), Policy.pause());
    private static final Copy MINE = new Copy(new Name("n1"), new Name("c1"));
    private static final Copy OTHER = new Copy(new Name("n2"), new Name("c2"));
    private static final Duration SECOND = Duration.ofSeconds(1);

    private static Optional<Stored> record(Copy... set) {
        return Optional.of(new Stored(new ReplicationRecord(3, Optional.empty(), new TreeSet<>(Set.of(set))), 7));
    }

    private static Following following(long epoch) {
        return new Following(SELF, MINE, 3, epoch, null, null);
    }

    private static ReplicaState disks(long generation) {
        return new Out(SELF, Optional.of(new CopyFacts(MINE, CopyFacts.Kind.DISKS, generation, 0, false)));
    }

    private static OptionalInt score(ReplicaState state, Optional<Stored> record) {
        return Score.of(state, record, false, SECOND);
    }

    @Test
    void whoLeadsStays() {
        assertThat(score(new Alone(new Life(SELF, MINE, 3, 7, true)), Optional.empty()))
                .hasValue(1000);
    }

    @Test
    void aStandbyCountsByItsFreshnessIfItIsInTheSetAndHasAnEpoch() {
        assertThat(score(following(5), record(MINE, OTHER))).hasValue(120);
        assertThat(Score.of(following(5), record(MINE), false, Duration.ofSeconds(9)))
                .as("it does not change with each epoch")
                .hasValue(120);
        assertThat(Score.of(following(5), record(MINE), false, Duration.ofSeconds(10)))
                .hasValue(110);
        assertThat(Score.of(following(5), record(MINE), false, Duration.ofHours(1)))
                .hasValue(100);
        assertThat(score(following(0), record(MINE, OTHER))).isEmpty();
        assertThat(score(following(5), record(OTHER))).isEmpty();
        assertThat(score(following(5), Optional.empty())).isEmpty();
    }

    @Test
    void disksCountLessThanMemory() {
        assertThat(score(disks(3), record(MINE, OTHER))).hasValue(50);
        assertThat(score(disks(3), record(OTHER))).isEmpty();
    }

    @Test
    void disksThatWereNeverReplicatedCountOnlyForTheFirstLife() {
        assertThat(Score.of(disks(0), Optional.empty(), true, SECOND)).hasValue(5);
        assertThat(Score.of(disks(3), Optional.empty(), true, SECOND)).isEmpty();
        assertThat(Score.of(disks(0), Optional.empty(), false, SECOND)).isEmpty();
        assertThat(Score.of(new Out(SELF, Optional.empty()), Optional.empty(), true, SECOND))
                .isEmpty();
    }
}
