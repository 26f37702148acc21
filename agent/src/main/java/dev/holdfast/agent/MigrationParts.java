package dev.holdfast.agent;

import dev.holdfast.agent.cluster.Peers;
import dev.holdfast.agent.config.NodeSettings;
import dev.holdfast.agent.control.CommandTable;
import dev.holdfast.agent.hypervisor.Hypervisor;
import dev.holdfast.agent.migration.Arrivals;
import dev.holdfast.agent.migration.Departures;
import dev.holdfast.agent.migration.Desk;
import dev.holdfast.agent.migration.NodeTools;
import dev.holdfast.agent.migration.Reclaim;
import dev.holdfast.agent.service.MigrationCommands;
import dev.holdfast.agent.service.Placement;
import dev.holdfast.agent.service.VmCommands;
import dev.holdfast.coordinator.protocol.Name;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Machines that come to this node and leave it. Thread-safe.
 *
 * @param departures those that leave
 * @param arrivals those that come
 * @param reclaim those that have left and are started here
 */
record MigrationParts(Departures departures, Arrivals arrivals, Reclaim reclaim) implements VmCommands.Moves {

    static MigrationParts of(
            NodeSettings node, LocalMachines machines, Hypervisor hypervisor, Platform platform, Cluster cluster) {
        NodeTools tools = new NodeTools(
                node.node(),
                machines.vms(),
                hypervisor,
                machines.claims(),
                machines.journal(),
                cluster.peers(),
                node::vmRunDirectory,
                node.stateDirectory(),
                node.migration().ports(),
                platform.clock(),
                platform.nanoClock(),
                cluster.changed());
        Departures departures = new Departures(tools, cluster.others());
        return new MigrationParts(
                departures, new Arrivals(tools, node.channel().bindAddress()), new Reclaim(tools, departures));
    }

    /**
     * What the rest of the agent gives.
     *
     * @param peers the other nodes
     * @param others what else may be under way on a machine
     * @param changed tells the cluster what runs here
     */
    record Cluster(Supplier<Peers> peers, Departures.Others others, Runnable changed) {}

    void register(CommandTable table, NodeSettings node, Placement placement) {
        new MigrationCommands(node.node(), node.migration(), placement, departures, arrivals).register(table);
    }

    Desk desk() {
        return new Desk(departures, arrivals);
    }

    /** What an earlier life of the agent left. What was this node's goes on at once. */
    void recover() {
        departures.recover();
        arrivals.recover();
    }

    @Override
    public Optional<Name> destination(Name vm) {
        return departures.destination(vm);
    }

    @Override
    public boolean end(Name vm) {
        boolean ended = departures.stop(vm);
        arrivals.stop(vm);
        return ended;
    }

    /** Called now and then. */
    void goOn() {
        departures.goOn();
        arrivals.tidy();
    }
}
