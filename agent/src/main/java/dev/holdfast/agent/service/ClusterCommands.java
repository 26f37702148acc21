package dev.holdfast.agent.service;

import dev.holdfast.agent.control.Arguments;
import dev.holdfast.agent.control.CommandTable;
import dev.holdfast.agent.control.ControlCommand;
import dev.holdfast.agent.control.Progress;
import dev.holdfast.agent.control.reply.ClusterStatus;
import dev.holdfast.coordinator.port.DecisionLog;
import dev.holdfast.coordinator.port.NodeRegistry;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundView;
import java.util.List;
import java.util.Locale;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/** {@code cluster.status}. Thread-safe. */
public final class ClusterCommands {

    private final Name cluster;
    private final NodeRegistry nodes;
    private final DecisionLog log;
    private final Supplier<String> storeId;
    private final LongSupplier epoch;

    /**
     * @param cluster its name
     * @param nodes who is there
     * @param log the rounds under way
     * @param storeId identity of the store, empty if unknown
     * @param epoch the present reign, -1 if unknown
     */
    public ClusterCommands(
            Name cluster, NodeRegistry nodes, DecisionLog log, Supplier<String> storeId, LongSupplier epoch) {
        this.cluster = cluster;
        this.nodes = nodes;
        this.log = log;
        this.storeId = storeId;
        this.epoch = epoch;
    }

    /** Adds the handlers. */
    public void register(CommandTable table) {
        table.register(ControlCommand.CLUSTER_STATUS, this::status);
    }

    /** Also answers without a store: that is when people ask. */
    private Object status(Arguments arguments, Progress progress) {
        try {
            List<ClusterStatus.Node> present =
                    nodes.nodes().stream().map(ClusterCommands::describe).toList();
            List<ClusterStatus.Round> rounds =
                    log.rounds().stream().map(ClusterCommands::describe).toList();
            String leader = nodes.leader().map(Name::value).orElse("");
            return new ClusterStatus(
                    cluster.value(), "connected", storeId.get(), leader, epoch.getAsLong(), "", present, rounds);
        } catch (StoreUnreachableException e) {
            return new ClusterStatus(cluster.value(), "unreachable", storeId.get(), "", -1, "", List.of(), List.of());
        }
    }

    private static ClusterStatus.Node describe(NodeRegistry.Node node) {
        int running = (int) node.vms().values().stream()
                .filter(state -> !"stopped".equals(state))
                .count();
        return new ClusterStatus.Node(node.node().value(), true, node.channelAddress(), node.software(), running);
    }

    private static ClusterStatus.Round describe(RoundView view) {
        return new ClusterStatus.Round(
                view.spec().id().value(),
                view.spec().kind().name().toLowerCase(Locale.ROOT),
                view.spec().group().value(),
                view.spec().checkpoint().value(),
                view.state().name().toLowerCase(Locale.ROOT));
    }
}
