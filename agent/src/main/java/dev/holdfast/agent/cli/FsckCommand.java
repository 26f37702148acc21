package dev.holdfast.agent.cli;

import dev.holdfast.agent.control.ControlCommand;
import dev.holdfast.agent.control.ExitCode;
import dev.holdfast.agent.control.reply.FsckReport;
import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import java.io.IOException;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code holdfast fsck}: looks the chains and the journal of this node over. */
@Command(
        name = "fsck",
        description = {
            "Look over the disk chains and the journal of this node.",
            "Touches nothing unless asked to. Exit code 6: something has to be looked at."
        })
final class FsckCommand extends RemoteCommand {
    @Option(names = "--repair", description = "move what nothing needs to the chain's lost/ directory")
    private boolean repair;

    @Option(names = "--empty-lost", description = "repair, and remove for good what is in lost/")
    private boolean emptyLost;

    @Override
    ControlCommand command() {
        return ControlCommand.NODE_FSCK;
    }

    @Override
    void arguments(Map<String, @Nullable Object> arguments) {
        arguments.put("repair", repair);
        arguments.put("empty_lost", emptyLost);
    }

    @Override
    void show(JsonObject answer) throws IOException {
        View view = view().row("VM", "KIND", "WHAT");
        for (FsckReport.Row row : answer.as(FsckReport.class).rows()) {
            view.row(row.vm().value(), row.kind(), row.text());
        }
        view.printOr("Everything is in order.");
    }

    /** What lies in lost/ was put there on purpose and is no fault. */
    @Override
    ExitCode exit(JsonObject answer) throws JsonException {
        boolean clean = answer.as(FsckReport.class).rows().stream()
                .allMatch(row -> row.kind().equals("lost"));
        return clean ? ExitCode.OK : ExitCode.NEEDS_FSCK;
    }
}
