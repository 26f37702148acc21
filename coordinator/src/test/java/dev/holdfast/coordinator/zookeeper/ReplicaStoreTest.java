package dev.holdfast.coordinator.zookeeper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.coordinator.port.ReplicaStore;
import dev.holdfast.coordinator.port.ReplicaStore.Watch;
import dev.holdfast.coordinator.port.ReplicaStore.WriteOutcome;
import dev.holdfast.coordinator.port.ReplicaStore.WriteOutcome.Refused;
import dev.holdfast.coordinator.port.ReplicaStore.WriteOutcome.Written;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Copy;
import dev.holdfast.coordinator.replication.ReplicationRecord;
import dev.holdfast.coordinator.replication.ReplicationRecord.Stored;
import dev.holdfast.coordinator.walls.BesideOthers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.Op;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

@BesideOthers
class ReplicaStoreTest {

    private static final Duration LONG = Duration.ofMinutes(1);
    private static final Name WEB = new Name("web");

    private final Name cluster = SharedEnsemble.cluster();
    private final ZooKeeperStore store = SharedEnsemble.open(cluster, "n1");
    private final ReplicaStore replicas = store.replicas();

    @AfterEach
    void disconnect() {
        store.close();
    }

    /** A record of one copy, which runs. */
    static ReplicationRecord record(long generation) {
        Copy copy = new Copy(new Name("n1"), new Name("c" + generation));
        return new ReplicationRecord(generation, Optional.of(copy), new TreeSet<>(List.of(copy)));
    }

    static <T> T answer(CompletionStage<T> stage) throws Exception {
        return stage.toCompletableFuture().get(LONG.toSeconds(), TimeUnit.SECONDS);
    }

    private WriteOutcome write(int version, long generation) throws Exception {
        return answer(replicas.write(WEB, version, record(generation)));
    }

    @Test
    void aRecordIsMadeOnceAndChangedByItsVersionAlone() throws Exception {
        store.awaitReady(LONG);
        // As in a store that a version without replicated machines has set up.
        String directory = store.session().schema().replicas();
        assertThat(store.session().multi(List.of(Op.delete(directory, -1)))).isInstanceOf(Wire.Outcome.Done.class);

        assertThat(answer(replicas.read(WEB))).isEmpty();
        assertThat(write(0, 1)).isEqualTo(new Refused());
        assertThat(write(ReplicationRecord.NO_VERSION, 1)).isEqualTo(new Written(0));
        assertThat(write(ReplicationRecord.NO_VERSION, 2)).isEqualTo(new Refused());
        assertThat(write(0, 2)).isEqualTo(new Written(1));
        assertThat(write(0, 3)).isEqualTo(new Refused());
        assertThat(answer(replicas.read(WEB))).contains(new Stored(record(2), 1));
        assertThat(answer(replicas.read(new Name("db")))).isEmpty();
        assertThat(store.adopt()).as("nothing happens to a known store").isNotNull();
        assertThat(write(1, 3)).isEqualTo(new Written(2));
    }

    @Test
    void whatCannotBeReadIsNoAbsence() throws Exception {
        store.awaitReady(LONG);
        byte[] newer = "{\"format\":\"replica\",\"version\":99}".getBytes(StandardCharsets.UTF_8);
        String path = store.session().schema().replica(WEB);
        assertThat(store.session().multi(List.of(StoreSession.create(path, newer))))
                .isInstanceOf(Wire.Outcome.Done.class);

        assertThatThrownBy(() -> answer(replicas.read(WEB)))
                .hasCauseInstanceOf(StoreUnreachableException.class)
                .hasMessageContaining("Upgrade Holdfast");
    }

    @Test
    void othersAreToldOfWhatIsThereAndOfEachChange() throws Exception {
        BlockingQueue<Optional<Stored>> told = new LinkedBlockingQueue<>();
        try (ZooKeeperStore other = SharedEnsemble.open(cluster, "n2");
                Watch watch = other.replicas().watch(WEB, told::add)) {
            assertThat(told.poll(LONG.toSeconds(), TimeUnit.SECONDS)).isEqualTo(Optional.empty());
            write(ReplicationRecord.NO_VERSION, 1);
            awaitTold(told, new Stored(record(1), 0));
            write(0, 2);
            awaitTold(told, new Stored(record(2), 1));
            BlockingQueue<Optional<Stored>> second = new LinkedBlockingQueue<>();
            other.replicas().watch(WEB, second::add);
            awaitTold(second, new Stored(record(2), 1));
            watch.close();
            told.clear();
            write(1, 3);
            awaitTold(second, new Stored(record(3), 2));
            assertThat(told).isEmpty();
        }
    }

    private static void awaitTold(BlockingQueue<Optional<Stored>> told, Stored expected) {
        Awaitility.await().atMost(LONG).until(() -> Optional.of(expected).equals(told.poll()));
    }
}
