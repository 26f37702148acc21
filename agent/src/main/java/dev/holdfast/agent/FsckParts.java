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
import dev.holdfast.agent.snapshot.SnapshotException;
import dev.holdfast.coordinator.engine.Engine;
import dev.holdfast.coordinator.engine.Standing;
import dev.holdfast.coordinator.port.Catalogue;
import dev.holdfast.coordinator.port.DecisionLog;
import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundId;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
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
     * @param rounds the records of rounds
     * @param engine takes part in rounds
     */
    record Chains(NodeParts parts, LeftIntents leftIntents, Catalogue catalogue, DecisionLog rounds, Engine engine) {

        private Map<RoundId, Decision> makesTrue() throws SnapshotException {
            Map<RoundId, Decision> makesTrue = new HashMap<>();
            try {
                for (Standing standing : engine.standings().get(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                    standing.makesTrue().ifPresent(decision -> makesTrue.put(standing.round(), decision));
                }
            } catch (TimeoutException | ExecutionException e) {
                throw new SnapshotException(
                        Refusal.failed("the agent does not say which decisions it is making true; look at its log"), e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new SnapshotException(Refusal.failed("the look was interrupted"), e);
            }
            return makesTrue;
        }
    }

    private static final long PATIENCE_SECONDS = 5;

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
                machines.net()::forget,
                chains.catalogue(),
                chains.rounds(),
                chains::makesTrue,
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
    }
}
