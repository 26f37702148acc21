package dev.holdfast.agent.replication;

import dev.holdfast.agent.cluster.Peers;
import dev.holdfast.agent.cluster.ReplicationDesk;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.coordinator.port.NodeRegistry;
import dev.holdfast.coordinator.port.ReplicaStore;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The replicated machines of this node. Thread-safe once all are added. */
public final class Replicas implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Replicas.class);

    private final ReplicationTools tools;
    private final Cluster cluster;
    private final Map<Name, Entry> entries = new TreeMap<>();

    /**
     * What the cluster gives.
     *
     * @param store of the records
     * @param nodes who there is
     * @param peers the other agents
     * @param guardSocket where the guard listens
     * @param workers for what nobody waits for
     * @param rounds gives them up
     */
    public record Cluster(
            ReplicaStore store,
            NodeRegistry nodes,
            Supplier<Peers> peers,
            Path guardSocket,
            ExecutorService workers,
            Rounds rounds) {}

    /**
     * Rounds that have a machine.
     *
     * @param giveWay ends one that has not stopped it yet
     * @param giveBack ends also one that has let it run again and is writing its memory
     */
    public record Rounds(BiConsumer<Name, Refusal> giveWay, BiConsumer<Name, Refusal> giveBack) {
        private void end(Name vm, Wish wish) {
            Refusal because =
                    new Refusal(Refusal.Kind.CANCELLED, vm + " changes its role; take the checkpoint when it has");
            (wish == Wish.DEMOTE ? giveBack : giveWay).accept(vm, because);
        }
    }

    private record Entry(
            ReplicatedMachine machine, ManagedVm vm, ReplicaPlan plan, ReplicaPeers peers, StoredRecord record) {}

    /** Without machines yet. */
    public Replicas(ReplicationTools tools, Cluster cluster) {
        this.tools = tools;
        this.cluster = cluster;
    }

    /** Makes the disks of a machine fit for a start, and starts it. */
    public interface ColdStart {
        void run(Name vm, Start start) throws HypervisorException;
    }

    /** The start itself. */
    public interface Start {
        void start() throws HypervisorException;
    }

    /** Takes a machine in. Nothing is done to it before {@link #start}. */
    public void add(ManagedVm vm, ReplicaPlan plan, ColdStart coldStart) {
        ReplicaFiles files = new ReplicaFiles(tools.stateDirectory(), vm.definition(), plan.place());
        ReplicaPeers peers = new ReplicaPeers(
                vm.definition(), plan.content(), cluster.peers(), () -> CopyRoom.sizes(files), cluster.workers());
        StoredRecord record = new StoredRecord(cluster.store(), vm.name());
        Candidates candidates =
                new Candidates(() -> nodesFor(vm.name(), plan), peers, tools.freshIds(), tools.nanoClock());
        ReplicatedMachine machine = new ReplicatedMachine(
                new ReplicatedMachine.Parts(
                        vm,
                        plan,
                        record,
                        peers,
                        start -> coldStart.run(vm.name(), start::start),
                        cluster.guardSocket()),
                tools,
                candidates,
                wish -> cluster.rounds().end(vm.name(), wish));
        entries.put(vm.name(), new Entry(machine, vm, plan, peers, record));
    }

    private List<Name> nodesFor(Name vm, ReplicaPlan plan) {
        try {
            return cluster.nodes().nodes().stream()
                    .filter(node -> node.vms().containsKey(vm))
                    .map(NodeRegistry.Node::node)
                    .filter(node -> !node.equals(tools.self()))
                    .filter(node -> plan.nodes().isEmpty() || plan.nodes().contains(node))
                    .toList();
        } catch (StoreUnreachableException e) {
            LOG.debug("no node is asked to be the standby of {}: {}", vm, e.getMessage());
            return List.of();
        }
    }

    /** Looks at what an agent before this one has left, and serves. */
    public void start() {
        entries.values().forEach(entry -> entry.machine().start());
    }

    /** Whether a machine is replicated. */
    public boolean has(Name vm) {
        return entries.containsKey(vm);
    }

    /** One of them. */
    public Optional<ReplicatedMachine> find(Name vm) {
        return Optional.ofNullable(entries.get(vm)).map(Entry::machine);
    }

    /** Whether a machine is replicated and {@linkplain Parking#letsRunAgain goes on by itself} if it stands still. */
    public boolean runsAgain(Name vm) {
        return find(vm).filter(machine -> machine.parking().letsRunAgain()).isPresent();
    }

    /** All of them. */
    public Collection<ReplicatedMachine> all() {
        return Collections.unmodifiableCollection(
                entries.values().stream().map(Entry::machine).toList());
    }

    /** Answers the nodes of primaries. */
    public ReplicationDesk desk() {
        return new ReplicaDesk(vm -> Optional.ofNullable(entries.get(vm))
                .map(entry -> new ReplicaDesk.Replica(
                        entry.machine(), entry.vm().definition(), entry.plan().content())));
    }

    /**
     * Has another node promoted.
     *
     * @throws HypervisorException it was not, or that is not known
     */
    public void promote(Name vm, Name node, Duration patience) throws HypervisorException, InterruptedException {
        try {
            entries.get(vm).peers().promote(node, patience);
        } catch (IOException e) {
            throw new HypervisorException(Kind.FAILED, String.valueOf(e.getMessage()), e);
        }
    }

    /** The agent ends; machines and standbys stay. */
    @Override
    public void close() {
        for (Entry entry : entries.values()) {
            entry.machine().close();
            entry.record().close();
        }
    }
}
