package dev.holdfast.agent.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Copy;
import dev.holdfast.coordinator.replication.CopyFacts;
import dev.holdfast.coordinator.replication.Out;
import dev.holdfast.coordinator.replication.Policy;
import dev.holdfast.coordinator.replication.Proof;
import dev.holdfast.coordinator.replication.Reason;
import dev.holdfast.coordinator.replication.ReplicationRecord;
import dev.holdfast.coordinator.replication.Self;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A person decides which copy counts, and the store loses its answer. */
class DiscardingTest {
    private static final Copy MINE = new Copy(Rig.NODE, new Name("mine"));
    private static final Copy OTHER = new Copy(new Name("n2"), new Name("other"));

    private final ParkingLab.Store store = new ParkingLab.Store();

    @BeforeEach
    void begin() {
        store.write(
                ReplicationRecord.NO_VERSION,
                new ReplicationRecord(4, Optional.of(OTHER), new TreeSet<>(Set.of(OTHER))),
                ignored -> {});
        store.lost = 1;
    }

    private Optional<Reason> discard() throws Exception {
        Discarding discarding = new Discarding(Rig.NODE, store, node -> new Proof.Gone(OTHER.node()), Runnable::run);
        Out out = new Out(
                new Self(Rig.NODE, Policy.pause()),
                Optional.of(new CopyFacts(MINE, CopyFacts.Kind.DISKS, 4, 0, false)));
        return discarding.discard(out, Set.of(OTHER.node())).get();
    }

    @Test
    void isDoneIfTheStoreHasTakenIt() throws Exception {
        store.arrives = true;
        assertThat(discard()).isEmpty();
        assertThat(store.last().orElseThrow().record().inSync()).containsExactly(MINE);
    }

    @Test
    void isNotKnownIfItHasNot() throws Exception {
        assertThat(discard()).contains(Reason.STORE_SILENT);
    }
}
