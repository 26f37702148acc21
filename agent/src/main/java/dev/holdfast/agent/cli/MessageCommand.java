package dev.holdfast.agent.cli;

import dev.holdfast.agent.json.JsonObject;
import java.io.IOException;

/** A command whose answer is one line, and perhaps a list of what it concerned. */
abstract class MessageCommand extends RemoteCommand {

    @Override
    void show(JsonObject answer) throws IOException {
        tell(environment(), answer);
    }

    static void tell(Environment environment, JsonObject answer) throws IOException {
        environment.out().println(answer.text("message").orElse("Done."));
        for (String name : answer.texts("removed")) {
            environment.out().println("  removed  " + name);
        }
        for (String name : answer.texts("kept")) {
            environment.out().println("  kept     " + name);
        }
    }
}
