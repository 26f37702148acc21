package dev.holdfast.agent.replication;

import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.replication.EpochContent;
import dev.holdfast.agent.hypervisor.replication.StandbyPlace;
import dev.holdfast.agent.hypervisor.replication.Standstill;
import dev.holdfast.agent.snapshot.OneDisk;
import dev.holdfast.agent.tunnel.Threshold;
import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.agent.vm.Unreadable;
import dev.holdfast.agent.vm.VmRegistry;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Copy;
import dev.holdfast.coordinator.replication.Out;
import dev.holdfast.coordinator.replication.Policy;
import dev.holdfast.coordinator.replication.Proof;
import dev.holdfast.coordinator.replication.Reason;
import dev.holdfast.coordinator.replication.ReplicaEvent;
import dev.holdfast.coordinator.replication.ReplicaHands;
import dev.holdfast.coordinator.replication.ReplicaState;
import dev.holdfast.coordinator.replication.ReplicationRecord;
import dev.holdfast.coordinator.replication.ReplicationRecord.Stored;
import dev.holdfast.coordinator.replication.Self;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** One life of an agent for one machine, on a node whose files and processes outlive it, and which can be killed at any effect. */
final class Rig implements AutoCloseable {
    static final Name NODE = new Name("n1");
    private static final Duration SECOND = Duration.ofSeconds(1);

    final ManualThread thread = new ManualThread();
    final List<Object> told = new ArrayList<>();
    private final ReplicaLoop loop;
    private final Recollection recollection;
    private final StandbySide standby;
    private final MachineHands hands;
    private final ReplicaFiles files;
    private final Guest guest;
    private final LagBound bound;
    private int effectsLeft;
    private boolean before;

    /** The agent was killed. */
    static final class Killed extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    /** What outlives agents. */
    static final class Node {
        final Path state;
        final Path place;
        final Path run;
        final Path chain;
        final VmDefinition definition;
        final FakeWorld world;
        final Store store = new Store();
        Proof proof = new Proof.Missing();
        private int ids;

        Node(Path home) throws IOException {
            this.state = home.resolve("state");
            this.place = home.resolve("place");
            this.run = home.resolve("run");
            this.chain = home.resolve("web.holdfast");
            this.definition =
                    OneDisk.definition(new Name("web"), new VmDefinition.Disk("d0", chain.resolve("head/d0.qcow2")));
            this.world = new FakeWorld(place);
            Files.createDirectories(chain);
            Files.createSymbolicLink(chain.resolve("head"), Path.of("generations/000001"));
        }

        ReplicaFiles files() {
            return new ReplicaFiles(state, definition, place);
        }

        private Name freshId() {
            return new Name("c" + ++ids);
        }
    }

    /** Answers at once. */
    static final class Store implements RecordBook {
        @Nullable
        Stored stored;

        /** Where readers wait while it does not answer. */
        @Nullable
        Consumer<Consumer<ReplicaEvent>> silent;

        @Override
        public void read(Consumer<ReplicaEvent> answer) {
            if (silent != null) {
                silent.accept(answer);
                return;
            }
            answer.accept(stored == null ? new ReplicaEvent.RecordAbsent() : new ReplicaEvent.RecordRead(stored));
        }

        @Override
        public void write(int version, ReplicationRecord next, Consumer<ReplicaEvent> answer) {
            int known = stored == null ? ReplicationRecord.NO_VERSION : stored.version();
            if (known != version) {
                answer.accept(new ReplicaEvent.RecordRefused());
                return;
            }
            stored = new Stored(next, version + 1);
            answer.accept(new ReplicaEvent.RecordWritten(version + 1));
        }

        @Override
        public Optional<Stored> last() {
            return Optional.ofNullable(stored);
        }

        @Override
        public boolean isAbsent() {
            return stored == null;
        }
    }

    private static final class NoPeers implements PeerCalls {
        @Override
        public boolean isReady(Name node) {
            return false;
        }

        @Override
        public PeerLink.Opening offer(Copy copy, long generation) throws IOException {
            throw new IOException("nobody is there");
        }

        @Override
        public void tellVoid(Copy copy) {}
    }

    private static final class NoGuard implements LagGuard {
        @Override
        public void arm(Duration after) {}

        @Override
        public void disarm() {}
    }

    /**
     * @param effects how many are carried out before the agent is killed
     * @param before whether the one that kills it is not carried out
     */
    Rig(Node node, int effects, boolean before) throws Exception {
        this.effectsLeft = effects;
        this.before = before;
        VmRegistry vms =
                new VmRegistry(Map.of(node.definition, Optional.empty()), Unreadable.NONE, node.world, new Nobody());
        ManagedVm vm = vms.get(node.definition.name());
        ReplicaPlan plan = new ReplicaPlan(
                EpochContent.MEMORY_AND_DISKS, Policy.pause(), List.of(), SECOND, SECOND, SECOND, 0, node.place);
        this.files = node.files();
        this.guest = new Guest(vm, vms, node.world, Guest.Start::start, node.run);
        this.bound = new LagBound(new NoGuard(), guest, thread, this::post, System::nanoTime);
        PrimarySide primary = new PrimarySide(
                plan,
                new PrimarySide.Tools(
                        guest,
                        new NoPeers(),
                        node.state,
                        thread,
                        thread,
                        System::nanoTime,
                        Standstill.UNWATCHED,
                        bound),
                this::post,
                () -> {});
        this.standby = new StandbySide(
                node.definition,
                new StandbyPlace(node.place),
                new StandbySide.Tools(
                        node.world,
                        files,
                        new Threshold("127.0.0.1", Optional.empty()),
                        EpochContent.MEMORY_AND_DISKS,
                        InstantSource.system(),
                        System::nanoTime));
        this.recollection = new Recollection(NODE, files, guest, standby, node::freshId);
        this.hands = new MachineHands(
                new MachineHands.Tools(
                        plan, guest, primary, standby, files, node.store, gone -> node.proof, bound, new NoPeers()),
                new Front(),
                thread,
                thread,
                this::post);
        this.loop = new ReplicaLoop(
                "web", Out.begin(new Self(NODE, Policy.pause())), thread, mortal(hands), new Watcher(), e -> {
                    throw new AssertionError(e);
                });
    }

    /** A life that nothing cuts short. */
    static Rig of(Node node) throws Exception {
        return new Rig(node, Integer.MAX_VALUE, false);
    }

    @SuppressWarnings("unchecked")
    private ReplicaHands<NotYetException> mortal(MachineHands living) {
        return (ReplicaHands<NotYetException>) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {ReplicaHands.class}, (self, method, arguments) -> {
                    boolean last = effectsLeft-- == 0;
                    if (last && before) {
                        throw new Killed();
                    }
                    try {
                        method.invoke(living, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                    if (last) {
                        throw new Killed();
                    }
                    return null;
                });
    }

    /** Begins as an agent does. */
    Rig recover() throws Exception {
        var found = recollection.look();
        if (found instanceof dev.holdfast.coordinator.replication.Found.Primary life
                && life.guest() == dev.holdfast.coordinator.replication.Found.Guest.THERE
                && !life.settled()) {
            hands.settleLater(Duration.ZERO);
        }
        post(new ReplicaEvent.Recovered(found));
        thread.runAll();
        return this;
    }

    /** Somebody wants the guest stopped. */
    void stopAsked() {
        hands.wishedEnd().ask();
    }

    /** Looks at the guest, as an agent does all the time. */
    void look() throws Exception {
        guest.process();
        guest.endIfShutDown();
        bound.look(state());
        thread.runAll();
    }

    /** Its guest has ended: whether that was wanted. */
    boolean isEndAsked() {
        return hands.guestIsGone();
    }

    Rig tell(ReplicaEvent event) {
        post(event);
        thread.runAll();
        return this;
    }

    ReplicaState state() {
        return loop.state();
    }

    private void post(ReplicaEvent event) {
        loop.post(event);
    }

    private static final class Nobody implements VmRegistry.Listener {
        @Override
        public void onProcess(ManagedVm vm, dev.holdfast.agent.hypervisor.RunningVm process) {}

        @Override
        public void onGone(ManagedVm vm) {}
    }

    private static final class Watcher implements ReplicaLoop.Watcher {
        @Override
        public void moved(ReplicaState before, ReplicaEvent event, ReplicaState after) {}

        @Override
        public void rejected(ReplicaEvent event, ReplicaState state) {}

        @Override
        public void settled() {}
    }

    private final class Front implements MachineHands.Front {
        @Override
        public ReplicaState state() {
            return loop.state();
        }

        @Override
        public void done() {
            told.add("done");
        }

        @Override
        public void refuse(Reason reason) {
            told.add(reason);
        }

        @Override
        public void failed(String why) {
            told.add(why);
        }

        @Override
        public void made(Copy copy, Optional<String> failure) {
            told.add(copy);
        }

        @Override
        public void acknowledge(long epoch) {}

        @Override
        public void dropped() {}

        @Override
        public void prepareDisks() {}

        @Override
        public StandbyDoorway.Orders orders() {
            return (order, epoch, patience) -> {};
        }
    }

    @Override
    public void close() {
        standby.close();
    }
}
