package dev.holdfast.agent.cli;

import dev.holdfast.agent.control.ControlCommand;
import dev.holdfast.agent.control.reply.ClusterStatus;
import dev.holdfast.agent.control.reply.History;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code holdfast cluster}: the whole. */
@Command(
        name = "cluster",
        description = "The cluster as a whole.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            ClusterCommands.Status.class,
            ClusterCommands.Pause.class,
            ClusterCommands.Resume.class,
            ClusterCommands.ShowHistory.class,
            ClusterCommands.AdoptStore.class,
            ClusterCommands.Forget.class
        })
final class ClusterCommands {

    @Command(name = "status", description = "Show the store, the leader, the nodes and the rounds under way.")
    static final class Status extends RemoteCommand {
        @Override
        ControlCommand command() {
            return ControlCommand.CLUSTER_STATUS;
        }

        @Override
        void arguments(Map<String, @Nullable Object> arguments) {}

        @Override
        void show(JsonObject answer) throws IOException {
            ClusterStatus status = answer.as(ClusterStatus.class);
            View whole = view();
            whole.property("Cluster", status.cluster())
                    .property(
                            "Store", status.store() + (status.storeId().isEmpty() ? "" : " (" + status.storeId() + ")"))
                    .property("Because", status.reason())
                    .property("Leader", status.leader().isEmpty() ? "none" : status.leader())
                    .property("Epoch", status.epoch() < 0 ? "unknown" : Long.toString(status.epoch()))
                    .property("Paused", status.paused());
            status.problems().forEach(problem -> whole.property("Problem", problem));
            whole.print();
            View nodes = view().row("NODE", "STATE", "ADDRESS", "VERSION", "VMS");
            for (ClusterStatus.Node node : status.nodes()) {
                String vms = node.vms() < 0 ? "-" : Integer.toString(node.vms());
                nodes.row(node.name(), state(node), node.address(), node.version(), vms);
            }
            nodes.printOr("No nodes are known.");
            View rounds = view().row("ROUND", "KIND", "GROUP", "CHECKPOINT", "STATE", "WAITS FOR");
            for (ClusterStatus.Round round : status.rounds()) {
                rounds.row(
                        round.id(),
                        round.kind(),
                        round.group(),
                        round.checkpoint(),
                        round.state(),
                        String.join(", ", round.waitsFor()));
            }
            rounds.printOr("No round is under way.");
        }
    }

    private static String state(ClusterStatus.Node node) {
        if (!node.online()) {
            return "OFFLINE";
        }
        return node.degraded() ? "online, DEGRADED" : "online";
    }

    @Command(name = "pause", description = "Hold back new rounds; those under way end.")
    static final class Pause extends MessageCommand {
        @Option(names = "--reason", paramLabel = "TEXT", description = "shown to those who wait")
        private @Nullable String reason;

        @Override
        ControlCommand command() {
            return ControlCommand.CLUSTER_PAUSE;
        }

        @Override
        void arguments(Map<String, @Nullable Object> arguments) {
            arguments.put("reason", reason);
        }
    }

    @Command(name = "resume", description = "Let rounds begin again.")
    static final class Resume extends MessageCommand {
        @Override
        ControlCommand command() {
            return ControlCommand.CLUSTER_RESUME;
        }

        @Override
        void arguments(Map<String, @Nullable Object> arguments) {}
    }

    @Command(name = "history", description = "Show what was decided.")
    static final class ShowHistory extends RemoteCommand {
        @Option(names = "--limit", paramLabel = "N", defaultValue = "20", description = "how many (${DEFAULT-VALUE})")
        private int limit;

        @Override
        ControlCommand command() {
            return ControlCommand.CLUSTER_HISTORY;
        }

        @Override
        void arguments(Map<String, @Nullable Object> arguments) {
            arguments.put("limit", limit);
        }

        @Override
        void show(JsonObject answer) throws IOException {
            View view = view().row("AT", "KIND", "GROUP", "CHECKPOINT", "OUTCOME", "REASON");
            for (History.Entry entry : answer.as(History.class).entries()) {
                view.row(
                        CheckpointView.seconds(entry.at()),
                        entry.kind(),
                        entry.group(),
                        entry.checkpoint(),
                        entry.outcome(),
                        entry.reason());
            }
            view.printOr("Nothing was decided yet.");
        }
    }

    @Command(name = "adopt-store", description = "Accept a store that was restored or made anew.")
    static final class AdoptStore extends MessageCommand {
        @Option(
                names = {"-y", "--yes"},
                description = "do not ask")
        private boolean yes;

        @Override
        ControlCommand command() {
            return ControlCommand.CLUSTER_ADOPT_STORE;
        }

        @Override
        void arguments(Map<String, @Nullable Object> arguments) {}

        @Override
        Optional<String> question() {
            return yes ? Optional.empty() : Optional.of("Trust what this store says from now on?");
        }
    }

    @Command(
            name = "forget",
            description = {
                "Take a node that is away and never comes back off the list of nodes. Refused while it is there, while"
                        + " a round waits",
                "for it, and while checkpoints have parts that were made on it."
            })
    static final class Forget extends MessageCommand {
        @Parameters(index = "0", paramLabel = "NODE")
        private @Nullable Name node;

        @Option(names = "--force", description = "also while checkpoints have parts that were made on it")
        private boolean force;

        @Override
        ControlCommand command() {
            return ControlCommand.CLUSTER_FORGET;
        }

        @Override
        void arguments(Map<String, @Nullable Object> arguments) {
            arguments.put("node", node);
            arguments.put("force", force);
        }
    }
}
