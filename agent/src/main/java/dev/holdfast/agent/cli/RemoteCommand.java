package dev.holdfast.agent.cli;

import dev.holdfast.agent.config.ConfigurationException;
import dev.holdfast.agent.config.ConfigurationLoader;
import dev.holdfast.agent.control.ControlClient;
import dev.holdfast.agent.control.ControlCommand;
import dev.holdfast.agent.control.ControlException;
import dev.holdfast.agent.control.ErrorCode;
import dev.holdfast.agent.control.ExitCode;
import dev.holdfast.agent.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A command that asks the agent: one request, progress, one answer. */
abstract class RemoteCommand extends AnsweringCommand {
    private static final Path DEFAULT_SOCKET = Path.of("/run/holdfast/agent.sock");

    /** What is asked of the agent. */
    abstract ControlCommand command();

    /** What the request carries. Values that are null or absent are left out. */
    abstract void arguments(Map<String, @Nullable Object> arguments);

    /** What the user has to agree to before it is asked of the agent, if anything. */
    Optional<String> question() {
        return Optional.empty();
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

    /** The configuration of this node. */
    final Path configuration() {
        return root().configuration();
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
}
