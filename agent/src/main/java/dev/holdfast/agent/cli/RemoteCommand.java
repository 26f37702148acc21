package dev.holdfast.agent.cli;

import dev.holdfast.agent.config.ConfigurationException;
import dev.holdfast.agent.config.ConfigurationLoader;
import dev.holdfast.agent.control.ControlClient;
import dev.holdfast.agent.control.ControlCommand;
import dev.holdfast.agent.control.ControlException;
import dev.holdfast.agent.control.ErrorCode;
import dev.holdfast.agent.control.ExitCode;
import dev.holdfast.agent.json.Json;
import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** A command that asks the agent: one request, progress, one answer. */
abstract class RemoteCommand implements Callable<Integer> {
    private static final Path DEFAULT_SOCKET = Path.of("/run/holdfast/agent.sock");

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

    /** What is asked of the agent. */
    abstract ControlCommand command();

    /** What the request carries. Values that are null or absent are left out. */
    abstract void arguments(Map<String, @Nullable Object> arguments);

    /** Writes the answer for people. */
    abstract void show(JsonObject answer) throws IOException;

    /** What else is done with an answer, whatever its form. */
    void before(JsonObject answer) throws IOException {}

    /** What the user has to agree to before it is asked of the agent, if anything. */
    Optional<String> question() {
        return Optional.empty();
    }

    /** How the command ends when the agent has answered. */
    ExitCode exit(JsonObject answer) throws JsonException {
        return ExitCode.OK;
    }

    @Override
    public Integer call() throws ControlException, ConfigurationException, IOException {
        Map<String, @Nullable Object> arguments = given();
        if (!agreed()) {
            environment().err().println("Nothing was done.");
            return ExitCode.FAILED.number();
        }
        return tell(ask(command(), arguments));
    }

    private Map<String, @Nullable Object> given() {
        Map<String, @Nullable Object> arguments = new LinkedHashMap<>();
        arguments(arguments);
        arguments.values().removeIf(value -> value == null);
        return arguments;
    }

    /** Asks the agent. */
    final JsonObject ask(ControlCommand command, Map<String, ? extends @Nullable Object> arguments)
            throws ControlException, ConfigurationException, IOException {
        ProgressView progress = new ProgressView(environment());
        try (ControlClient client = connect()) {
            return client.call(command, arguments, progress);
        } finally {
            progress.end();
        }
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

    /** The configuration of this node. */
    final Path configuration() {
        return root().configuration();
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

    private boolean agreed() throws IOException {
        Optional<String> question = question();
        if (question.isEmpty()) {
            return true;
        }
        if (!environment().interactive()) {
            throw usage("there is nobody to ask: \"" + question.get() + "\"; add --yes");
        }
        environment().err().print(question.get() + " [y/N] ");
        environment().err().flush();
        return environment()
                .readLine()
                .filter(line -> line.strip().matches("(?i)y|yes"))
                .isPresent();
    }

    private ControlClient connect() throws ControlException, ConfigurationException {
        Path socket = socket();
        try {
            return ControlClient.connect(socket);
        } catch (IOException e) {
            String message = String.valueOf(e.getMessage());
            boolean forbidden = message.toLowerCase(java.util.Locale.ROOT).contains("permission");
            Optional<ControlClient> reader = forbidden ? asReader(socket) : Optional.empty();
            if (reader.isPresent()) {
                return reader.get();
            }
            throw new ControlException(
                    forbidden ? ErrorCode.FORBIDDEN : ErrorCode.FAILED,
                    "the agent of this node cannot be asked on " + socket,
                    message,
                    forbidden
                            ? "run the command as root, or join the admin group"
                            : "start it: systemctl start holdfast");
        }
    }

    /** Who is not in the admin group may be in the status group. */
    private static Optional<ControlClient> asReader(Path socket) {
        Path status = socket.resolveSibling("status.sock");
        try {
            return Files.exists(status) ? Optional.of(ControlClient.connect(status)) : Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private Path socket() throws ConfigurationException {
        HoldfastCommand root = root();
        if (root.socket().isPresent()) {
            return root.socket().get();
        }
        Path configuration = root.configuration();
        return root.configurationNamed() || Files.exists(configuration)
                ? ConfigurationLoader.loadNode(configuration).controlSocket()
                : DEFAULT_SOCKET;
    }

    private HoldfastCommand root() {
        return (HoldfastCommand) spec().root().userObject();
    }

    private CommandSpec spec() {
        if (spec == null) {
            throw new IllegalStateException("picocli sets the field before it calls");
        }
        return spec;
    }
}
