package dev.holdfast.agent.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.agent.vm.Unreadable;
import dev.holdfast.agent.vm.VmRegistry;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.replication.Alone;
import dev.holdfast.coordinator.replication.Copy;
import dev.holdfast.coordinator.replication.Found;
import dev.holdfast.coordinator.replication.Out;
import dev.holdfast.coordinator.replication.Policy;
import dev.holdfast.coordinator.replication.Protected;
import dev.holdfast.coordinator.replication.ReplicaEffect;
import dev.holdfast.coordinator.replication.ReplicaEvent;
import dev.holdfast.coordinator.replication.ReplicaState;
import dev.holdfast.coordinator.replication.ReplicationRecord;
import dev.holdfast.coordinator.replication.ReplicationRecord.Stored;
import dev.holdfast.coordinator.replication.Self;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A machine in a round, by the rules themselves, with a guard and a store that only write down. */
class ParkingTest {
    private static final Name ROUND = new Name("r1");
    private static final Copy HERE = new Copy(Rig.NODE, new Name("h"));
    private static final Copy THERE = new Copy(new Name("n2"), new Name("t"));
    private static final long GENERATION = 4;
    private static final Duration BOUND = Duration.ofSeconds(10);

    @TempDir
    private Path home;

    private final ManualThread thread = new ManualThread();
    private final List<Duration> armed = new ArrayList<>();
    private final Store store = new Store();
    private final Rules rules = new Rules();
    private Parking parking;
    private long nanos;

    /** The record; an answer may be lost on its way. */
    private static final class Store implements RecordBook {
        private final Rig.Store store = new Rig.Store();
        private int lost;
        private boolean arrives;

        @Override
        public void read(Consumer<ReplicaEvent> answer) {
            store.read(answer);
        }

        @Override
        public void write(int version, ReplicationRecord next, Consumer<ReplicaEvent> answer) {
            if (lost == 0) {
                store.write(version, next, answer);
                return;
            }
            lost--;
            if (arrives) {
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
    }

    private final class Rules implements Parking.Machine {
        private ReplicaState state = Out.begin(new Self(Rig.NODE, Policy.pause()));
        private boolean busy;
        private boolean freed;

        @Override
        public ReplicaState state() {
            return state;
        }

        @Override
        public boolean isBusy() {
            return busy;
        }

        @Override
        public Duration interval() {
            return Duration.ofSeconds(1);
        }

        @Override
        public void post(ReplicaEvent event) {
            thread.execute(() -> {
                Step<ReplicaState, ReplicaEffect> step = event.applyTo(state);
                if (step.rejection().isEmpty()) {
                    state = step.next();
                }
                parking.settled();
            });
        }

        @Override
        public void freed() {
            freed = true;
        }
    }

    @BeforeEach
    void follow() throws Exception {
        Rig.Node node = new Rig.Node(home);
        VmRegistry vms = new VmRegistry(
                Map.of(node.definition, Optional.empty()), Unreadable.NONE, node.world, new VmRegistry.Listener() {
                    @Override
                    public void onProcess(ManagedVm vm, dev.holdfast.agent.hypervisor.RunningVm process) {}

                    @Override
                    public void onGone(ManagedVm vm) {}
                });
        Guest guest = new Guest(vms.get(node.definition.name()), vms, node.world, Guest.Start::start);
        LagGuard guard = new LagGuard() {
            @Override
            public void arm(Duration after) {
                armed.add(after);
            }

            @Override
            public void disarm() {}
        };
        ReplicaPlan plan = new ReplicaPlan(
                Policy.pause(),
                List.of(),
                Duration.ofSeconds(1),
                Duration.ofSeconds(1),
                Duration.ofSeconds(2),
                0,
                node.place);
        parking = new Parking(
                new Parking.Tools(
                        node.definition.name(),
                        plan,
                        store,
                        new LagBound(guard, guest, thread, event -> {}),
                        thread,
                        () -> nanos),
                rules);
        store.store.stored = new Stored(
                new ReplicationRecord(GENERATION, Optional.of(HERE), new TreeSet<>(List.of(HERE, THERE))), 7);
        tell(new ReplicaEvent.Recovered(
                new Found.Primary(HERE, GENERATION, Optional.empty(), Found.Guest.THERE, true, false, false, 0)));
        tell(new ReplicaEvent.PeerOffered(THERE));
        tell(new ReplicaEvent.SeedReady());
        tell(new ReplicaEvent.StandbyAt(THERE, 1));
        tell(new ReplicaEvent.RecordWritten(7));
        assertThat(rules.state).isInstanceOf(Protected.class);
    }

    private void tell(ReplicaEvent event) {
        rules.post(event);
        thread.runAll();
    }

    private void pass(Duration time) {
        nanos += time.toNanos();
        parking.look();
    }

    private CompletableFuture<Void> park() {
        CompletableFuture<Void> ready = parking.park(ROUND, BOUND);
        thread.runAll();
        return ready;
    }

    private CompletableFuture<Void> standAlone() {
        CompletableFuture<Void> ready = parking.standAlone(ROUND);
        thread.runAll();
        return ready;
    }

    private void end(Name operation) {
        parking.end(operation);
        thread.runAll();
    }

    @Test
    void waitsForTheEndOfAnEpochThatIsUnderWay() {
        tell(new ReplicaEvent.EpochDue());
        rules.busy = true;
        CompletableFuture<Void> ready = park();
        assertThat(ready).isNotDone();
        assertThat(parking.isParked()).isTrue();
        rules.busy = false;
        tell(new ReplicaEvent.StandbyAt(THERE, 2));
        assertThat(ready).isCompleted();
    }

    @Test
    void armsTheBoundAgainAllTheTimeSoThatTheGuestIsNotHeldForTheRound() {
        park();
        armed.clear();
        pass(Duration.ofMillis(100));
        assertThat(armed).isEmpty();
        for (int i = 0; i < 3; i++) {
            pass(Duration.ofMillis(501));
        }
        assertThat(armed).hasSize(3).containsOnly(Duration.ofSeconds(3));
        end(ROUND);
        armed.clear();
        pass(Duration.ofSeconds(1));
        assertThat(armed).isEmpty();
        assertThat(rules.freed).isTrue();
    }

    @Test
    void endsForItsOwnRoundOnlyAndByItselfAfterItsBound() {
        park();
        end(new Name("r2"));
        assertThat(parking.isParked()).isTrue();
        pass(BOUND.plusMillis(1));
        assertThat(parking.isParked()).isFalse();
        assertThat(rules.freed).isTrue();
    }

    @Test
    void aRoundThatIsGivenUpWhileItWaitsIsNotGoneOnWith() {
        tell(new ReplicaEvent.EpochDue());
        CompletableFuture<Void> ready = park();
        parking.giveUp(ROUND);
        thread.runAll();
        assertThat(ready).isCompletedExceptionally();
        assertThat(parking.isParked()).isFalse();

        tell(new ReplicaEvent.StandbyAt(THERE, 2));
        park();
        parking.giveUp(ROUND);
        thread.runAll();
        assertThat(parking.isParked()).as("what it has done is undone first").isTrue();
    }

    @Test
    void aMachineThatIsNotLedHereIsRefused() {
        rules.state = Out.begin(new Self(Rig.NODE, Policy.pause()));
        assertThat(park()).isCompletedExceptionally();
        assertThat(parking.obstacle()).hasValueSatisfying(why -> assertThat(why).contains("not promoted"));
        assertThat(parking.isParked()).isFalse();
    }

    private void isAloneInANewLife(CompletableFuture<Void> ready) {
        assertThat(ready).isCompleted();
        assertThat(rules.state)
                .isInstanceOfSatisfying(
                        Alone.class,
                        alone -> assertThat(alone.lead().generation()).isEqualTo(GENERATION + 1));
        assertThat(store.last().orElseThrow().record())
                .isEqualTo(new ReplicationRecord(GENERATION + 1, Optional.of(HERE), new TreeSet<>(List.of(HERE))));
        assertThat(parking.isReverting()).isTrue();
    }

    @Test
    void aRevertBeginsALifeWithoutTheStandby() {
        isAloneInANewLife(standAlone());
    }

    @Test
    void alsoWhileAnEpochIsOnItsWay() {
        tell(new ReplicaEvent.EpochDue());
        isAloneInANewLife(standAlone());
    }

    @Test
    void alsoWhenTheAnswerToTheWriteIsLost() {
        store.lost = 1;
        store.arrives = true;
        isAloneInANewLife(standAlone());
    }

    @Test
    void alsoWhenTheWriteIsLost() {
        store.lost = 2;
        isAloneInANewLife(standAlone());
    }

    @Test
    void aRevertIsNotGoneOnWithIfTheStoreDoesNotTakeTheNewLife() {
        store.lost = Integer.MAX_VALUE;
        assertThat(standAlone()).isCompletedExceptionally();
        assertThat(rules.state).isInstanceOf(Protected.class);
        assertThat(store.last().orElseThrow().record().inSync()).contains(THERE);
        end(ROUND);
        assertThat(parking.isParked()).isFalse();
    }
}
