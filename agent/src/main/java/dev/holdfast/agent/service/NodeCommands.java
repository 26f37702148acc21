package dev.holdfast.agent.service;

import dev.holdfast.agent.control.Arguments;
import dev.holdfast.agent.control.CommandTable;
import dev.holdfast.agent.control.ControlCommand;
import dev.holdfast.agent.control.ControlException;
import dev.holdfast.agent.control.ErrorCode;
import dev.holdfast.agent.control.reply.Done;
import dev.holdfast.coordinator.port.Catalogue;
import dev.holdfast.coordinator.port.DecisionLog;
import dev.holdfast.coordinator.port.NodeRegistry;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.CheckpointRecord;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundView;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** {@code cluster.forget}: takes a node that never comes back off the list of those that were there. Thread-safe. */
public final class NodeCommands {
    private static final int MOST_NAMED = 5;

    private final NodeRegistry nodes;
    private final DecisionLog log;
    private final Catalogue catalogue;

    /**
     * @param nodes who is there, and was
     * @param log rounds that may wait for one of them
     * @param catalogue checkpoints that may have parts there
     */
    public NodeCommands(NodeRegistry nodes, DecisionLog log, Catalogue catalogue) {
        this.nodes = nodes;
        this.log = log;
        this.catalogue = catalogue;
    }

    /** Adds the handler. */
    public void register(CommandTable table) {
        table.register(ControlCommand.CLUSTER_FORGET, (arguments, progress) -> forget(arguments));
    }

    Done forget(Arguments arguments) throws ControlException, InterruptedException {
        Name node = arguments.name("node");
        if (!Failures.told(() -> nodes.known().contains(node))) {
            throw ControlException.of(
                    ErrorCode.BAD_REQUEST,
                    "no node %s is known; 'holdfast cluster status' lists those that are".formatted(node));
        }
        refuse(Failures.told(() -> waiting(node)));
        if (!arguments.flag("force")) {
            refuse(Failures.told(() -> parts(node)));
        }
        if (!Failures.told(() -> nodes.forget(node))) {
            refuse(Optional.of(
                    ("node %s is there, and only one that is away is forgotten; stop its agent, and wait until"
                                    + " 'holdfast cluster status' calls it OFFLINE")
                            .formatted(node)));
        }
        return new Done("node %s is forgotten; if its agent starts again, it is known again".formatted(node));
    }

    private static void refuse(Optional<String> because) throws ControlException {
        if (because.isPresent()) {
            throw ControlException.of(Refusal.preflight(because.get()));
        }
    }

    private Optional<String> waiting(Name node) throws StoreUnreachableException {
        for (RoundView round : log.rounds()) {
            if (round.waitsFor().contains(node)) {
                return Optional.of(
                        ("round %s waits for node %s; 'holdfast fsck --gone %s' says whether it can be closed"
                                        + " without that node, and how")
                                .formatted(round.spec().id(), node, node));
            }
        }
        return Optional.empty();
    }

    /** Parts whose machine ran there. Whether its disks are on storage that others have too is not told by that. */
    private Optional<String> parts(Name node) throws StoreUnreachableException {
        List<String> checkpoints = new ArrayList<>();
        for (Catalogue.Group group : catalogue.groups()) {
            for (CheckpointRecord record : catalogue.checkpoints(group.name())) {
                if (record.reports().stream()
                        .anyMatch(report ->
                                report.node().equals(node) && !report.vms().isEmpty())) {
                    checkpoints.add(record.group() + "@" + record.name());
                }
            }
        }
        if (checkpoints.isEmpty()) {
            return Optional.empty();
        }
        String more = checkpoints.size() > MOST_NAMED ? " and %d more".formatted(checkpoints.size() - MOST_NAMED) : "";
        return Optional.of(
                ("parts of %s%s were made on node %s: delete those checkpoints ('holdfast checkpoint delete'), or, if"
                                + " other nodes have its disks too or nobody needs them, add --force")
                        .formatted(
                                String.join(", ", checkpoints.subList(0, Math.min(MOST_NAMED, checkpoints.size()))),
                                more,
                                node));
    }
}
