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
import java.util.function.Supplier;

/**
 * Looking for damage. Thread-safe.
 *
 * @param desk what this node tells of itself
 */
record FsckParts(Inspection desk) {

    static FsckParts of(
            Configuration configuration,
            Platform platform,
            LocalMachines machines,
            NodeParts parts,
            LeftIntents leftIntents,
            ClusterLink cluster,
            Supplier<DoctorReport> doctor) {
        NodeTools tools = new NodeTools(
                configuration.node().node(),
                machines.vms(),
                parts,
                machines.claims(),
                machines.journal(),
                leftIntents,
                configuration.node()::vmRunDirectory,
                configuration::isReplicated,
                machines.net()::forget,
                cluster.store().catalogue(),
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
        new DoctorCommands(peers, look).register(table);
    }
}
