package dev.holdfast.agent.replication;

import dev.holdfast.agent.hypervisor.replication.EpochContent;
import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.agent.vm.Unreadable;
import dev.holdfast.agent.vm.VmRegistry;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.replication.Copy;
import dev.holdfast.coordinator.replication.Found;
import dev.holdfast.coordinator.replication.Out;
import dev.holdfast.coordinator.replication.Policy;
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
import java.util.function.Consumer;

/** A protected primary in a round, by the rules themselves, with a guard and a store that only write down. */
final class ParkingLab {
    static final Copy HERE = new Copy(Rig.NODE, new Name("h"));
    static final Copy THERE = new Copy(new Name("n2"), new Name("t"));
    static final long GENERATION = 4;

    final ManualThread thread = new ManualThread();
    final List<Duration> armed = new ArrayList<>();
    final Store store = new Store();
    final Rules rules = new Rules();
    final Parking parking;
    long nanos;

    /** The record; an answer may be lost on its way. */
    static final class Store implements RecordBook {
        private final Rig.Store store = new Rig.Store();
        int lost;
        boolean arrives;
        /** It goes silent with the first answer that is lost. */
        boolean goesAway;

        private boolean away;

        void comesBack() {
            away = false;
            lost = 0;
        }

        @Override
        public void read(Consumer<ReplicaEvent> answer) {
            if (away) {
                answer.accept(new ReplicaEvent.StoreSilent());
            } else {
                store.read(answer);
            }
        }

        @Override
        public void write(int version, ReplicationRecord next, Consumer<ReplicaEvent> answer) {
            if (lost == 0) {
                store.write(version, next, answer);
                return;
            }
            lost--;
            away = goesAway;
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

    final class Rules implements Parking.Machine {
        ReplicaState state = Out.begin(new Self(Rig.NODE, Policy.pause()));
        boolean busy;
        boolean freed;
        boolean frozen;

        @Override
        public ReplicaState state() {
            return state;
        }

        @Override
        public boolean isBusy() {
            return busy;
        }

        @Override
        public boolean isFrozen() {
            return frozen;
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

    final FakeWorld world;
    final Guest guest;

    ParkingLab(Path home) throws Exception {
        Rig.Node node = new Rig.Node(home);
        VmRegistry vms = new VmRegistry(
                Map.of(node.definition, Optional.empty()), Unreadable.NONE, node.world, new VmRegistry.Listener() {
                    @Override
                    public void onProcess(ManagedVm vm, dev.holdfast.agent.hypervisor.RunningVm process) {}

                    @Override
                    public void onGone(ManagedVm vm) {}
                });
        world = node.world;
        guest = new Guest(vms.get(node.definition.name()), vms, node.world, Guest.Start::start, node.run);
        LagGuard guard = new LagGuard() {
            @Override
            public void arm(Duration after) {
                armed.add(after);
            }

            @Override
            public void disarm() {}
        };
        ReplicaPlan plan = new ReplicaPlan(
                EpochContent.MEMORY_AND_DISKS,
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
                        new LagBound(guard, guest, thread, event -> {}, () -> nanos),
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
    }

    void tell(ReplicaEvent event) {
        rules.post(event);
        thread.runAll();
    }

    void pass(Duration time) {
        nanos += time.toNanos();
        parking.look();
    }
}
