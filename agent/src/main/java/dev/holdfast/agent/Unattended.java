package dev.holdfast.agent;

import dev.holdfast.agent.cluster.LeaderDesk;
import dev.holdfast.agent.cluster.ScheduleDesk;
import dev.holdfast.agent.config.NodeSettings;
import dev.holdfast.agent.control.CommandTable;
import dev.holdfast.agent.control.reply.ReplicaDetails;
import dev.holdfast.agent.pacemaker.Maintenance;
import dev.holdfast.agent.service.ScheduleCommands;
import dev.holdfast.coordinator.protocol.Epoch;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.function.Supplier;

/** What an agent does without being asked: scheduled checkpoints, and telling pacemaker how things stand. */
final class Unattended {

    static final Maintenance MAINTENANCE = new Maintenance(Path.of("/usr/sbin/crm_attribute"));

    private final NodeSettings node;
    private final Platform platform;
    private final ClusterLink cluster;
    private final Supplier<Optional<Epoch>> reign;
    private final PacemakerReport report;

    Unattended(
            NodeSettings node,
            Platform platform,
            LocalMachines machines,
            ClusterLink cluster,
            Supplier<Optional<Epoch>> reign,
            Supplier<List<ReplicaDetails>> replicas) {
        this.node = node;
        this.platform = platform;
        this.cluster = cluster;
        this.reign = reign;
        this.report = new PacemakerReport(node, platform, machines, cluster, reign, replicas);
    }

    ScheduleDesk schedules(LeaderDesk leader, Supplier<String> words, Executor workers) {
        ScheduleDesk.Books books = new ScheduleDesk.Books(
                cluster.store().schedules(),
                cluster.store().catalogue(),
                List.of(
                        () -> cluster.store().gate().heldBack().map(why -> "the cluster is paused: " + why),
                        MAINTENANCE::reason));
        return new ScheduleDesk(reign, leader, books, platform.clock(), words, workers);
    }

    void register(CommandTable table) {
        new ScheduleCommands(
                        node.checkpoint(),
                        cluster.store().schedules(),
                        cluster.store().catalogue(),
                        platform.clock())
                .register(table);
    }

    void tell() {
        report.tell();
    }
}
