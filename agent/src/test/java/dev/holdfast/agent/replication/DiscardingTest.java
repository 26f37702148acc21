package dev.holdfast.agent.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Copy;
import dev.holdfast.coordinator.replication.CopyFacts;
import dev.holdfast.coordinator.replication.Out;
import dev.holdfast.coordinator.replication.Policy;
import dev.holdfast.coordinator.replication.Proof;
import dev.holdfast.coordinator.replication.Reason;
import dev.holdfast.coordinator.replication.ReplicaEvent;
import dev.holdfast.coordinator.replication.ReplicationRecord;
import dev.holdfast.coordinator.replication.ReplicationRecord.Stored;
import dev.holdfast.coordinator.replication.Self;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** A person's decision whose answer is lost. */
class DiscardingTest {
    private static final Copy OTHER = new Copy(new Name("n2"), new Name("other"));
    private static final Copy MINE = new Copy(Rig.NODE, new Name("mine"));

    private final Rig.Store store = new Rig.Store();
    private boolean lands;

    private final RecordBook deaf = new RecordBook() {
        @Override
        public void read(Consumer<ReplicaEvent> answer) {
            store.read(answer);
        }

        @Override
        public void write(int version, ReplicationRecord next, Consumer<ReplicaEvent> answer) {
            if (lands) {
                store.write(version, next, ignored -> {});
            }
            answer.accept(new ReplicaEvent.RecordUnknown());
        }

        @Override
        public Optional<Stored> last() {
            return store.last();
        }

        @Override
        public boolean isAbsent() {
            return store.isAbsent();
        }
    };

    private Optional<Reason> discard() {
        store.stored = new Stored(new ReplicationRecord(3, Optional.of(OTHER), new TreeSet<>(Set.of(OTHER))), 12);
        Out out = new Out(new Self(Rig.NODE, Policy.pause()), Optional.of(CopyFacts.resting(MINE, 3, 7)));
        return new Discarding(Rig.NODE, deaf, node -> new Proof.Gone(node), Runnable::run)
                .discard(out, Set.of(OTHER.node()))
                .join();
    }

    @Test
    void whatIsFoundToBeWrittenIsDone() {
        lands = true;
        assertThat(discard()).isEmpty();
    }

    @Test
    void whatIsNotFoundMayBeAskedForAgain() {
        assertThat(discard()).contains(Reason.BUSY);
    }
}
