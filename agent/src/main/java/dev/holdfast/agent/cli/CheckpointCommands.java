package dev.holdfast.agent.cli;

import dev.holdfast.agent.config.Quantity;
import dev.holdfast.agent.control.ControlCommand;
import dev.holdfast.agent.control.ExitCode;
import dev.holdfast.agent.control.reply.Verification;
import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code holdfast checkpoint}: groups of machines, at one instant. */
@Command(
        name = "checkpoint",
        description = "Checkpoints of a group of machines at one instant.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            CheckpointCommands.Create.class,
            CheckpointCommands.ListAll.class,
            CheckpointCommands.Show.class,
            CheckpointCommands.Revert.class,
            CheckpointCommands.Delete.class,
            CheckpointCommands.Verify.class,
            CheckpointCommands.Abort.class,
            CheckpointCommands.Prune.class
        })
final class CheckpointCommands {

    @Command(name = "create", description = "Take a checkpoint; prints a line for each phase.")
    static final class Create extends TargetCommand {
        @Mixin
        private CaptureOptions capture = new CaptureOptions();

        @Option(names = "--no-wait", description = "fail at once if another round of the group is under way")
        private boolean noWait;

        Create() {
            super("group");
        }

        @Override
        ControlCommand command() {
            return ControlCommand.CHECKPOINT_CREATE;
        }

        @Override
        void arguments(Map<String, @Nullable Object> arguments) {
            arguments.put("group", owner());
            arguments.put("name", capture.dryRun() ? item().orElse(null) : item().orElseGet(this::timeStamp));
            capture.addTo(arguments, this);
            arguments.put("wait", !noWait);
        }

        @Override
        void show(JsonObject answer) throws IOException {
            if (capture.dryRun()) {
                CheckpointView.prediction(environment(), answer, !capture.diskOnly());
            } else {
                CheckpointView.created(environment(), answer, !capture.diskOnly());
            }
        }
    }

    @Command(name = "list", description = "List checkpoints.")
    static final class ListAll extends RemoteCommand {
        @Parameters(arity = "0..1", paramLabel = "GROUP", description = "only of this group")
        private @Nullable Name group;

        @Override
        ControlCommand command() {
            return ControlCommand.CHECKPOINT_LIST;
        }

        @Override
        void arguments(Map<String, @Nullable Object> arguments) {
            arguments.put("group", group);
        }

        @Override
        void show(JsonObject answer) throws IOException {
            CheckpointView.list(environment(), answer);
        }
    }

    @Command(name = "show", description = "Show a checkpoint and its timeline.")
    static final class Show extends TargetCommand {
        @Option(names = "--svg", paramLabel = "FILE", description = "also write the timeline as a picture")
        private @Nullable Path svg;

        @Option(names = "--ascii", description = "draw with ASCII signs only")
        private boolean ascii;

        Show() {
            super("group");
        }

        @Override
        ControlCommand command() {
            return ControlCommand.CHECKPOINT_SHOW;
        }

        @Override
        void arguments(Map<String, @Nullable Object> arguments) {
            arguments.put("group", owner());
            arguments.put("name", requiredItem());
        }

        @Override
        void show(JsonObject answer) throws IOException {
            CheckpointView.details(
                    environment(), answer, !ascii && environment().unicode());
        }

        @Override
        void before(JsonObject answer) throws IOException {
            if (svg != null) {
                CheckpointView.writeSvg(environment(), answer, svg);
            }
        }
    }

    @Command(
            name = "revert",
            description = "Bring the whole group back to a checkpoint. What came after it stays as a branch.")
    static final class Revert extends ConfirmedCommand {
        @Option(names = "--paused", description = "leave the machines paused at the cut")
        private boolean paused;

        @Option(names = "--dry-run", description = "check, and do nothing")
        private boolean dryRun;

        @Option(
                names = "--deadline",
                paramLabel = "TIME",
                description = "for the hold, until everything is loaded (as configured: revert_deadline)")
        private @Nullable Duration deadline;

        @Option(names = "--no-wait", description = "fail at once if another round of the group is under way")
        private boolean noWait;

        Revert() {
            super("group");
        }

        @Override
        ControlCommand command() {
            return ControlCommand.CHECKPOINT_REVERT;
        }

        @Override
        void arguments(Map<String, @Nullable Object> arguments) {
            arguments.put("group", owner());
            arguments.put("name", requiredItem());
            arguments.put("paused", paused);
            arguments.put("dry_run", dryRun);
            arguments.put("deadline", deadline == null ? null : Quantity.text(deadline));
            arguments.put("wait", !noWait);
        }

        @Override
        void show(JsonObject answer) throws IOException {
            if (dryRun) {
                CheckpointView.revertPrediction(environment(), answer);
            } else {
                super.show(answer);
            }
        }

        @Override
        Optional<String> question() {
            return dryRun
                    ? Optional.empty()
                    : unlessYes("Bring all machines of " + owner() + " back to " + requiredItem() + "?");
        }
    }

    @Command(name = "delete", description = "Delete a checkpoint; the machines run on.")
    static final class Delete extends ConfirmedCommand {
        @Option(names = "--dry-run", description = "tell what would go, and do nothing")
        private boolean dryRun;

        Delete() {
            super("group");
        }

        @Override
        ControlCommand command() {
            return ControlCommand.CHECKPOINT_DELETE;
        }

        @Override
        void arguments(Map<String, @Nullable Object> arguments) {
            arguments.put("group", owner());
            arguments.put("name", requiredItem());
            arguments.put("dry_run", dryRun);
        }

        @Override
        Optional<String> question() {
            return dryRun
                    ? Optional.empty()
                    : unlessYes("Delete the checkpoint " + owner() + "@" + requiredItem() + " for ever?");
        }
    }

    @Command(name = "verify", description = "Check hashes and chains of a checkpoint on every node.")
    static final class Verify extends TargetCommand {
        Verify() {
            super("group");
        }

        @Override
        ControlCommand command() {
            return ControlCommand.CHECKPOINT_VERIFY;
        }

        @Override
        void arguments(Map<String, @Nullable Object> arguments) {
            arguments.put("group", owner());
            arguments.put("name", requiredItem());
        }

        @Override
        void show(JsonObject answer) throws IOException {
            CheckpointView.verification(environment(), answer);
        }

        @Override
        ExitCode exit(JsonObject answer) throws JsonException {
            return answer.as(Verification.class).passed() ? ExitCode.OK : ExitCode.FAILED;
        }
    }

    @Command(name = "abort", description = "End the round of a group that is under way; its machines run on.")
    static final class Abort extends MessageCommand {
        @Parameters(paramLabel = "GROUP")
        private @Nullable Name group;

        @Override
        ControlCommand command() {
            return ControlCommand.CHECKPOINT_ABORT;
        }

        @Override
        void arguments(Map<String, @Nullable Object> arguments) {
            arguments.put("group", group);
        }
    }

    @Command(name = "prune", description = "Delete all but the newest checkpoints of a group.")
    static final class Prune extends ConfirmedCommand {
        @Option(names = "--keep-last", required = true, paramLabel = "N", description = "how many stay, at least 1")
        private int keepLast;

        @Option(names = "--dry-run", description = "tell what would go, and do nothing")
        private boolean dryRun;

        Prune() {
            super("group");
        }

        @Override
        ControlCommand command() {
            return ControlCommand.CHECKPOINT_PRUNE;
        }

        @Override
        void arguments(Map<String, @Nullable Object> arguments) {
            if (keepLast < 1) {
                throw usage("--keep-last is " + keepLast + "; keep at least 1, or use delete");
            }
            arguments.put("group", owner());
            arguments.put("keep_last", keepLast);
            arguments.put("dry_run", dryRun);
        }

        @Override
        Optional<String> question() {
            return dryRun
                    ? Optional.empty()
                    : unlessYes("Delete all checkpoints of " + owner() + " but the newest " + keepLast + "?");
        }
    }
}
