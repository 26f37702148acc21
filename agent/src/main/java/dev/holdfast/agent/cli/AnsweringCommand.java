package dev.holdfast.agent.cli;

import dev.holdfast.agent.control.ExitCode;
import dev.holdfast.agent.json.Json;
import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import java.io.IOException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** A command that ends with an answer, which is written in the form that was asked for. */
abstract class AnsweringCommand implements Callable<Integer> {
    @Spec
    private @Nullable CommandSpec spec;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FORM",
            description = "form of the answer: ${COMPLETION-CANDIDATES}",
            defaultValue = "table")
    private Form form = Form.table;

    /** The form of an answer, as it is typed. */
    enum Form {
        table,
        json,
        yaml
    }

    /** Writes the answer for people. */
    abstract void show(JsonObject answer) throws IOException;

    /** What else is done with an answer, whatever its form. */
    void before(JsonObject answer) throws IOException {}

    /** How the command ends when there is an answer. */
    ExitCode exit(JsonObject answer) throws JsonException {
        return ExitCode.OK;
    }

    /** Writes an answer in the form that was asked for. */
    final int tell(JsonObject answer) throws IOException {
        before(answer);
        switch (form) {
            case table -> show(answer);
            case json -> environment().out().println(Json.pretty(answer));
            case yaml -> environment().out().print(Json.yaml(answer));
        }
        environment().out().flush();
        return exit(answer).number();
    }

    final Environment environment() {
        return root().environment();
    }

    final View view() {
        return new View(environment());
    }

    final ParameterException usage(String message) {
        return new ParameterException(spec().commandLine(), message);
    }

    final HoldfastCommand root() {
        return (HoldfastCommand) spec().root().userObject();
    }

    private CommandSpec spec() {
        if (spec == null) {
            throw new IllegalStateException("picocli sets the field before it calls");
        }
        return spec;
    }
}
