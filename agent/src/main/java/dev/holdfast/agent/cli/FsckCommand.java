package dev.holdfast.agent.cli;

import dev.holdfast.agent.control.Arguments;
import dev.holdfast.agent.control.ControlCommand;
import dev.holdfast.agent.control.ExitCode;
import dev.holdfast.agent.control.reply.FsckReport;
import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code holdfast fsck}: the catalogue, the files of all nodes and their hypervisors, compared. */
@Command(
        name = "fsck",
        description = {
            "Compare the catalogue, the files of all nodes and what their hypervisors say.",
            "Touches nothing unless asked to; says what --repair would do. Exit code 6: something has to be looked at, or",
            "could not be looked at."
        })
final class FsckCommand extends RemoteCommand {
    private static final Set<String> NO_FAULT = Set.of(FsckReport.LOST, FsckReport.PASSED, FsckReport.REPAIRED);

    @Option(
            names = "--repair",
            description =
                    "put right what can be put right safely; nothing is removed: what nothing needs goes to lost/")
    private boolean repair;

    @Option(names = "--empty-lost", description = "repair, and remove for good what is in lost/ on all nodes")
    private boolean emptyLost;

    @Option(
            names = "--gone",
            paramLabel = "NODE",
            split = ",",
            description = {
                "with --repair, decided rounds that wait only for this node are closed without it. It never comes back, and is fenced",
                "or without power: one that is merely cut off may still run its machines. With commas for several"
            })
    private List<Name> gone = List.of();

    @Override
    ControlCommand command() {
        return ControlCommand.NODE_FSCK;
    }

    @Override
    void arguments(Map<String, @Nullable Object> arguments) {
        arguments.put("repair", repair);
        arguments.put("empty_lost", emptyLost);
        arguments.put("gone", gone.isEmpty() ? null : Arguments.list(gone));
    }

    @Override
    void show(JsonObject answer) throws IOException {
        View view = view().row("NODE", "WHERE", "KIND", "WHAT");
        for (FsckReport.Row row : answer.as(FsckReport.class).rows()) {
            view.row(row.node(), row.subject(), row.kind(), text(row));
        }
        view.printOr("Everything is in order.");
    }

    private static String text(FsckReport.Row row) {
        StringBuilder text = new StringBuilder(row.text());
        if (!row.repair().isEmpty()) {
            text.append(row.kind().equals(FsckReport.REPAIRED) ? "\nrepaired: " : "\n--repair: ")
                    .append(row.repair());
        }
        if (!row.remedy().isEmpty()) {
            text.append("\nto do: ").append(row.remedy());
        }
        return text.toString();
    }

    /** What lies in lost/ was put there on purpose and is no fault, nor is a machine in use. */
    @Override
    ExitCode exit(JsonObject answer) throws JsonException {
        boolean clean = answer.as(FsckReport.class).rows().stream().allMatch(row -> NO_FAULT.contains(row.kind()));
        return clean ? ExitCode.OK : ExitCode.NEEDS_FSCK;
    }
}
