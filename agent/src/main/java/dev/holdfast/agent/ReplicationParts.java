package dev.holdfast.agent;

import dev.holdfast.agent.cluster.MemberParts;
import dev.holdfast.agent.cluster.Peers;
import dev.holdfast.agent.cluster.ReplicationDesk;
import dev.holdfast.agent.config.Configuration;
import dev.holdfast.agent.config.NodeSettings;
import dev.holdfast.agent.config.ReplicationSettings;
import dev.holdfast.agent.config.VmSettings;
import dev.holdfast.agent.control.CommandTable;
import dev.holdfast.agent.control.reply.ReplicaDetails;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.replication.EpochContent;
import dev.holdfast.agent.journal.OperationKind;
import dev.holdfast.agent.pacemaker.Handover;
import dev.holdfast.agent.replication.ReplicaPlan;
import dev.holdfast.agent.replication.Replicas;
import dev.holdfast.agent.replication.ReplicatedMachine;
import dev.holdfast.agent.replication.ReplicationTools;
import dev.holdfast.agent.round.LeftIntents;
import dev.holdfast.agent.round.NodeParts;
import dev.holdfast.agent.service.ReplicaCommands;
import dev.holdfast.agent.snapshot.SnapshotException;
import dev.holdfast.agent.snapshot.chain.QemuImages;
import dev.holdfast.agent.tunnel.Practice;
import dev.holdfast.agent.tunnel.Threshold;
import dev.holdfast.coordinator.protocol.Name;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Machines that have a live copy on another node. Thread-safe.
 *
 * @param replicas those of this node
 */
record ReplicationParts(Replicas replicas) implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ReplicationParts.class);
    private static final Path CRM_ATTRIBUTE = Path.of("/usr/sbin/crm_attribute");

    /**
     * What the rest of the agent gives.
     *
     * @param cluster the store and the channel
     * @param peers the other agents
     * @param rounds gives them up
     * @param words never the same one twice
     * @param workers for what nobody waits for
     * @param parts the chains, which are to be whole before a start
     * @param leftIntents what becomes of operations that were cut off in them
     */
    record Surroundings(
            ClusterLink cluster,
            Supplier<Peers> peers,
            Replicas.Rounds rounds,
            Supplier<String> words,
            ExecutorService workers,
            NodeParts parts,
            LeftIntents leftIntents) {}

    static ReplicationParts of(
            Configuration configuration,
            LocalMachines machines,
            Drivers drivers,
            Platform platform,
            Surroundings around) {
        NodeSettings node = configuration.node();
        ReplicationTools tools = new ReplicationTools(
                node.node(),
                new Threshold(node.channel().bindAddress(), node.migration().ports()),
                machines.vms(),
                drivers.replication(),
                drivers.fencing(),
                new QemuImages("qemu-img"),
                node::vmRunDirectory,
                node.stateDirectory(),
                platform.clock(),
                platform.nanoClock(),
                () -> new Name("c" + around.words().get()),
                platform.fatal(),
                platform.faults());
        Replicas replicas = new Replicas(
                tools,
                new Replicas.Cluster(
                        around.cluster().store().replicas(),
                        around.cluster().store().nodes(),
                        around.peers(),
                        node.guardSocket(),
                        around.workers(),
                        around.rounds()));
        for (VmSettings vm : configuration.vms()) {
            Optional<ReplicationSettings> settings = vm.replication();
            if (settings.isPresent()) {
                machines.vms()
                        .find(vm.name())
                        .ifPresent(machine -> replicas.add(
                                machine, plan(vm.name(), settings.get()), (name, start) -> cold(around, name, start)));
                stayIfReverted(machines, replicas, vm.name());
            }
        }
        return new ReplicationParts(replicas);
    }

    /** A revert that an agent before this one was bound to. */
    private static void stayIfReverted(LocalMachines machines, Replicas replicas, Name vm) {
        machines.claims()
                .holder(vm)
                .filter(holder -> holder.kind() == OperationKind.REVERT)
                .ifPresent(holder ->
                        replicas.find(vm).ifPresent(machine -> machine.parking().resume(holder.operation())));
    }

    /** The disks are this node's own: that the machine runs elsewhere is the record's to say. */
    private static void cold(Surroundings around, Name vm, Replicas.Start start) throws HypervisorException {
        try {
            around.parts().start(vm, nowhere -> false, around.leftIntents().on(vm), start::start);
        } catch (SnapshotException e) {
            throw new HypervisorException(
                    HypervisorException.Kind.REFUSED, e.because().text(), e);
        }
    }

    private static ReplicaPlan plan(Name vm, ReplicationSettings settings) {
        EpochContent content = switch (settings.mode()) {
            case CHECKPOINT -> EpochContent.MEMORY_AND_DISKS;
            case DISK -> EpochContent.DISKS;
        };
        return new ReplicaPlan(
                content,
                settings.policy(),
                settings.nodes(),
                settings.interval(),
                settings.maxPause(),
                settings.maxLag(),
                settings.bandwidth(),
                settings.standbyDirectory().resolve(vm.value()));
    }

    void register(CommandTable table, NodeSettings node, LocalMachines machines, Runnable changed) {
        Handover handover = new Handover(CRM_ATTRIBUTE, node::vmRunDirectory);
        new ReplicaCommands(node.node(), replicas, machines.vms(), changed, handover).register(table);
    }

    /** What can be done to the members of checkpoints. */
    MemberParts members(MemberParts parts) {
        return new ReplicatedMembers(parts, vm -> replicas.find(vm).map(ReplicatedMachine::parking));
    }

    ReplicationDesk desk() {
        return replicas.desk();
    }

    /** How each of them is. */
    List<ReplicaDetails> details() {
        return replicas.all().stream().map(ReplicatedMachine::details).toList();
    }

    /** Looks at what an agent before this one has left, and serves. */
    void start() {
        replicas.start();
        if (!replicas.all().isEmpty()) {
            // The first epoch of a machine is its largest, and nothing may be slow after a failover.
            Practice.begin();
        }
    }

    @Override
    public void close() {
        replicas.close();
    }
}
