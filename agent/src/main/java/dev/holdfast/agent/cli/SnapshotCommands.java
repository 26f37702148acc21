package dev.holdfast.agent.cli;

import static dev.holdfast.agent.timeline.CheckpointTimeline.millis;

import dev.holdfast.agent.control.ControlCommand;
import dev.holdfast.agent.control.reply.SnapshotDetails;
import dev.holdfast.agent.control.reply.SnapshotList;
import dev.holdfast.agent.control.reply.StoredFile;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code holdfast snapshot}: one machine of this node. */
@Command(
        name = "snapshot",
        description = "Snapshots of one machine of this node.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            SnapshotCommands.Create.class,
            SnapshotCommands.ListAll.class,
            SnapshotCommands.Show.class,
            SnapshotCommands.Revert.class,
            SnapshotCommands.Delete.class,
            CowCommands.Show.class,
            CowCommands.Merge.class
        })
final class SnapshotCommands {

    @Command(name = "create", description = "Take a snapshot.")
    static final class Create extends TargetCommand {
        @Mixin
        private CaptureOptions capture = new CaptureOptions();

        Create() {
            super("vm");
        }

        @Override
        ControlCommand command() {
            return ControlCommand.SNAPSHOT_CREATE;
        }

        @Override
        void arguments(Map<String, @Nullable Object> arguments) {
            arguments.put("vm", owner());
            arguments.put("name", capture.dryRun() ? item().orElse(null) : item().orElseGet(this::timeStamp));
            capture.addTo(arguments, this);
        }

        @Override
        void show(JsonObject answer) throws IOException {
            if (capture.dryRun()) {
                CheckpointView.prediction(environment(), answer, false);
                return;
            }
            SnapshotDetails made = answer.as(SnapshotDetails.class);
            environment()
                    .out()
                    .println("Snapshot %s@%s: %s, pause %s, %s."
                            .formatted(
                                    made.vm(),
                                    made.name(),
                                    made.method(),
                                    millis(made.pauseNanos()),
                                    View.size(made.bytes())));
        }
    }

    @Command(name = "list", description = "List the snapshots of a machine.")
    static final class ListAll extends RemoteCommand {
        @Parameters(paramLabel = "MACHINE")
        private @Nullable Name vm;

        @Override
        ControlCommand command() {
            return ControlCommand.SNAPSHOT_LIST;
        }

        @Override
        void arguments(Map<String, @Nullable Object> arguments) {
            arguments.put("vm", vm);
        }

        @Override
        void show(JsonObject answer) throws IOException {
            View view = view().row("", "NAME", "CREATED", "STATE", "METHOD", "PAUSE", "SIZE", "PARENT", "DESCRIPTION");
            for (SnapshotDetails row : answer.as(SnapshotList.class).snapshots()) {
                view.row(
                        row.current() ? "*" : " ",
                        row.name().value(),
                        CheckpointView.seconds(row.created()),
                        row.state(),
                        row.method(),
                        row.pauseNanos() < 0 ? "unknown" : millis(row.pauseNanos()),
                        View.size(row.bytes()),
                        row.parent().orElse("-"),
                        row.description());
            }
            view.printOr("There are no snapshots of " + vm + ".");
        }
    }

    @Command(name = "show", description = "Show a snapshot and its files.")
    static final class Show extends TargetCommand {
        Show() {
            super("vm");
        }

        @Override
        ControlCommand command() {
            return ControlCommand.SNAPSHOT_SHOW;
        }

        @Override
        void arguments(Map<String, @Nullable Object> arguments) {
            arguments.put("vm", owner());
            arguments.put("name", requiredItem());
        }

        @Override
        void show(JsonObject answer) throws IOException {
            SnapshotDetails snapshot = answer.as(SnapshotDetails.class);
            view().property("Snapshot", snapshot.vm() + "@" + snapshot.name())
                    .property("Description", snapshot.description())
                    .property("Created", snapshot.created())
                    .property("State", snapshot.state() + (snapshot.current() ? ", current" : ""))
                    .property("Parent", snapshot.parent().orElse(""))
                    .property("Method", snapshot.method())
                    .property("Quiesced", snapshot.quiesce())
                    .property("Pause", millis(snapshot.pauseNanos()))
                    .print();
            View files = view().row("WHAT", "SIZE", "FILE");
            for (StoredFile file : snapshot.files()) {
                files.row(
                        file.encrypted() ? file.role() + ", encrypted" : file.role(),
                        View.size(file.bytes()),
                        file.path());
            }
            files.printOr("");
        }
    }

    @Command(name = "revert", description = "Bring a machine back to a snapshot. What came after it stays as a branch.")
    static final class Revert extends ConfirmedCommand {
        @Option(names = "--paused", description = "leave the machine paused")
        private boolean paused;

        Revert() {
            super("vm");
        }

        @Override
        ControlCommand command() {
            return ControlCommand.SNAPSHOT_REVERT;
        }

        @Override
        void arguments(Map<String, @Nullable Object> arguments) {
            arguments.put("vm", owner());
            arguments.put("name", requiredItem());
            arguments.put("paused", paused);
        }

        @Override
        Optional<String> question() {
            return unlessYes("Bring " + owner() + " back to " + requiredItem() + "?");
        }
    }

    @Command(name = "delete", description = "Delete a snapshot; the machine runs on.")
    static final class Delete extends ConfirmedCommand {
        Delete() {
            super("vm");
        }

        @Override
        ControlCommand command() {
            return ControlCommand.SNAPSHOT_DELETE;
        }

        @Override
        void arguments(Map<String, @Nullable Object> arguments) {
            arguments.put("vm", owner());
            arguments.put("name", requiredItem());
        }

        @Override
        Optional<String> question() {
            return unlessYes("Delete the snapshot " + owner() + "@" + requiredItem() + " for ever?");
        }
    }
}
