package dev.holdfast.agent.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.replication.Copy;
import dev.holdfast.coordinator.replication.Following;
import dev.holdfast.coordinator.replication.Out;
import dev.holdfast.coordinator.replication.Policy;
import dev.holdfast.coordinator.replication.ReplicaEffect;
import dev.holdfast.coordinator.replication.ReplicaEvent;
import dev.holdfast.coordinator.replication.ReplicaState;
import dev.holdfast.coordinator.replication.ReplicationRecord;
import dev.holdfast.coordinator.replication.ReplicationRecord.Stored;
import dev.holdfast.coordinator.replication.Self;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** A standby that is out of its primary's reach when it leaves the set. */
class RecordLookTest {
    private static final Copy MINE = new Copy(Rig.NODE, new Name("mine"));
    private static final Copy OTHER = new Copy(new Name("n2"), new Name("other"));
    private static final long GENERATION = 4;

    private final ManualThread thread = new ManualThread();
    private final Rig.Store store = new Rig.Store();
    private final List<ReplicaEffect> effects = new ArrayList<>();
    private ReplicaState state = Out.begin(new Self(Rig.NODE, Policy.pause()));
    private final RecordLook look = new RecordLook(store, thread, () -> state, this::tell);

    private void tell(ReplicaEvent event) {
        Step<ReplicaState, ReplicaEffect> step = event.applyTo(state);
        state = step.next();
        effects.addAll(step.effects());
    }

    private void committed() {
        tell(new ReplicaEvent.SeedBegun(MINE, GENERATION));
        tell(new ReplicaEvent.MemoryComplete(MINE, 1));
        tell(new ReplicaEvent.Journaled());
        tell(new ReplicaEvent.DisksCommitted());
        tell(new ReplicaEvent.Journaled());
        assertThat(state)
                .isInstanceOfSatisfying(
                        Following.class, f -> assertThat(f.epoch()).isEqualTo(1));
        effects.clear();
    }

    private void recorded(long generation, Copy... set) {
        store.stored = new Stored(
                new ReplicationRecord(generation, Optional.of(OTHER), new TreeSet<>(Set.of(set))),
                store.stored == null ? 1 : store.stored.version() + 1);
        look.look();
        thread.runAll();
    }

    @Test
    void keepsItsDisksOnlyWhenItHasLeftTheSet() {
        committed();
        recorded(GENERATION, OTHER);
        assertThat(effects).as("the set does not know it yet").isEmpty();
        recorded(GENERATION, OTHER, MINE);
        assertThat(effects).isEmpty();
        recorded(GENERATION, OTHER);
        assertThat(effects).containsExactly(new ReplicaEffect.RestCopy(MINE, 1));
    }

    @Test
    void alsoWhenItsPrimaryHasBegunAnotherLife() {
        committed();
        recorded(GENERATION + 1, OTHER);
        assertThat(effects).containsExactly(new ReplicaEffect.RestCopy(MINE, 1));
    }

    @Test
    void isNotMisledByWhatWasSeenLongAgo() {
        committed();
        recorded(GENERATION, OTHER, MINE);
        recorded(GENERATION - 1, OTHER);
        assertThat(effects).isEmpty();
    }

    @Test
    void asksASilentStoreOnceNotEachTime() {
        committed();
        recorded(GENERATION, OTHER, MINE);
        List<Consumer<ReplicaEvent>> asked = new ArrayList<>();
        store.silent = asked::add;
        recorded(GENERATION, OTHER);
        recorded(GENERATION, OTHER);
        assertThat(asked).hasSize(1);

        asked.remove(0).accept(new ReplicaEvent.StoreSilent());
        thread.runAll();
        recorded(GENERATION, OTHER);
        assertThat(asked).hasSize(1);
    }
}
