package dev.holdfast.agent.cli;

import dev.holdfast.agent.json.JsonObject;
import java.io.IOException;
import java.util.Optional;
import picocli.CommandLine.Option;

/** A command that takes something away, and asks before. */
abstract class ConfirmedCommand extends TargetCommand {
    @Option(
            names = {"-y", "--yes"},
            description = "do not ask")
    private boolean yes;

    ConfirmedCommand(String kind) {
        super(kind);
    }

    final Optional<String> unlessYes(String question) {
        return yes ? Optional.empty() : Optional.of(question);
    }

    @Override
    void show(JsonObject answer) throws IOException {
        MessageCommand.tell(environment(), answer);
    }
}
