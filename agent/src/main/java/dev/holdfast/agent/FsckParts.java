package dev.holdfast.agent;

import dev.holdfast.agent.cluster.Peers;
import dev.holdfast.agent.config.Configuration;
import dev.holdfast.agent.control.CommandTable;
import dev.holdfast.agent.control.reply.DoctorReport;
import dev.holdfast.agent.inspection.Inspection;
import dev.holdfast.agent.inspection.NodeTools;
import dev.holdfast.agent.round.LeftIntents;
import dev.holdfast.agent.round.NodeParts;
import dev.holdfast.agent.service.ClusterLook;
import dev.holdfast.agent.service.DoctorCommands;
import dev.holdfast.agent.service.FsckCommands;
import dev.holdfast.agent.service.NodeCommands;
import dev.holdfast.coordinator.port.Catalogue;
import java.util.function.Supplier;

/**
 * Looking for damage. Thread-safe.
 *
 * @param desk what this node tells of itself
 */
record FsckParts(Inspection desk) {

    /**
     * What is looked at.
     *
     * @param parts chains of this node's machines
     * @param leftIntents what becomes of changes that were cut short
     * @param catalogue what checkpoints consist of
     */
    record Chains(NodeParts parts, LeftIntents leftIntents, Catalogue catalogue) {}

    static FsckParts of(
            Configuration configuration,
            Platform platform,
            LocalMachines machines,
            Chains chains,
            Supplier<DoctorReport> doctor) {
        NodeTools tools = new NodeTools(
                configuration.node().node(),
                machines.vms(),
                chains.parts(),
                machines.claims(),
                machines.journal(),
                chains.leftIntents(),
                configuration.node()::vmRunDirectory,
                configuration::isReplicated,
                machines.freezes(),
                chains.catalogue(),
                platform.clock());
        return new FsckParts(new Inspection(tools, doctor));
    }

    static void register(CommandTable table, Configuration configuration, Peers peers, ClusterLink cluster) {
        ClusterLook look = new ClusterLook(
                configuration.node().node(),
                peers,
                cluster.store().nodes(),
                cluster.store().catalogue(),
                cluster.store().decisions(),
                cluster.store().claims());
        new FsckCommands(peers, look).register(table);
        new DoctorCommands(look).register(table);
        new NodeCommands(
                        cluster.store().nodes(),
                        cluster.store().decisions(),
                        cluster.store().catalogue())
                .register(table);
    }
}
