package dev.holdfast.agent.cli;

import dev.holdfast.agent.config.Quantity;
import dev.holdfast.agent.control.Arguments;
import dev.holdfast.agent.control.ControlCommand;
import dev.holdfast.agent.control.reply.ReplicaDetails;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What {@code holdfast vm} can do with a machine that is replicated. */
final class ReplicationCommands {
    private ReplicationCommands() {}

    private abstract static class OneReplica extends RemoteCommand {
        @Parameters(paramLabel = "MACHINE")
        private @Nullable Name vm;

        final String machine() {
            return String.valueOf(vm);
        }

        @Override
        void arguments(Map<String, @Nullable Object> arguments) {
            arguments.put("vm", vm);
        }

        /** A sentence of the agent, or what the machine has become. */
        @Override
        void show(JsonObject answer) throws IOException {
            Optional<String> message = answer.text("message");
            environment()
                    .out()
                    .println(
                            message.isPresent()
                                    ? message.get()
                                    : ReplicationView.line(answer.as(ReplicaDetails.class)));
        }
    }

    @Command(
            name = "replication",
            description = "Show how a replicated machine is protected, as this node knows it: ask the primary's.")
    static final class Show extends OneReplica {
        @Override
        ControlCommand command() {
            return ControlCommand.REPLICA_SHOW;
        }

        @Override
        void show(JsonObject answer) throws IOException {
            ReplicationView.show(environment(), answer.as(ReplicaDetails.class));
        }
    }

    @Command(
            name = "switchover",
            description =
                    "Have a replicated machine go on at its standby: it stands still for an epoch, nothing is lost.")
    static final class Switchover extends OneReplica {
        @Option(names = "--to", paramLabel = "NODE", description = "the standby's node (the one there is)")
        private @Nullable Name target;

        @Option(names = "--timeout", paramLabel = "TIME", description = "for all of it (60 s)")
        private @Nullable Duration timeout;

        @Option(names = "--dry-run", description = "only say whether it is possible")
        private boolean dryRun;

        @Override
        ControlCommand command() {
            return ControlCommand.REPLICA_SWITCHOVER;
        }

        @Override
        void arguments(Map<String, @Nullable Object> arguments) {
            super.arguments(arguments);
            arguments.put("to", target);
            arguments.put("timeout", timeout == null ? null : Quantity.text(timeout));
            arguments.put("dry_run", dryRun);
        }
    }

    @Command(
            name = "resync",
            description = "Decide whose copy of a replicated machine does not count; ask the node whose copy shall.")
    static final class Resync extends OneReplica {
        @Option(
                names = "--discard-node",
                paramLabel = "NODE",
                split = ",",
                description =
                        "what this node has of the machine may be lost; more than once, or with commas, for several")
        private List<Name> discarded = List.of();

        private String names() {
            return Arguments.list(discarded);
        }

        @Option(
                names = {"-y", "--yes"},
                description = "do not ask")
        private boolean yes;

        @Override
        ControlCommand command() {
            return ControlCommand.REPLICA_RESYNC;
        }

        @Override
        void arguments(Map<String, @Nullable Object> arguments) {
            super.arguments(arguments);
            arguments.put("discard_node", discarded.isEmpty() ? null : names());
        }

        @Override
        Optional<String> question() {
            return discarded.isEmpty() || yes
                    ? Optional.empty()
                    : Optional.of(
                            "Lose for ever what %s has of %s, and nobody else may have?".formatted(names(), machine()));
        }
    }
}
