package dev.holdfast.agent.control;

import dev.holdfast.agent.config.Suggestion;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/** Which handler serves which command. Filled before the server starts, then only read. */
public final class CommandTable {
    private final Map<ControlCommand, CommandHandler> handlers = new EnumMap<>(ControlCommand.class);

    /**
     * Adds a handler.
     *
     * @throws IllegalStateException if the command has one
     */
    public CommandTable register(ControlCommand command, CommandHandler handler) {
        if (handlers.putIfAbsent(command, handler) != null) {
            throw new IllegalStateException("the command " + command.word() + " has two handlers");
        }
        return this;
    }

    /**
     * Puts a handler before the one that a command has.
     *
     * @throws IllegalStateException if it has none
     */
    public void wrap(ControlCommand command, UnaryOperator<CommandHandler> before) {
        CommandHandler plain = handlers.get(command);
        if (plain == null) {
            throw new IllegalStateException("nobody serves " + command.word());
        }
        handlers.put(command, before.apply(plain));
    }

    /** This table. @throws IllegalStateException if there is a command that nobody serves */
    public CommandTable whole() {
        List<ControlCommand> missing = Stream.of(ControlCommand.values())
                .filter(command -> !handlers.containsKey(command))
                .toList();
        if (!missing.isEmpty()) {
            throw new IllegalStateException("nobody serves " + missing);
        }
        return this;
    }

    /** @throws ControlException if there is no such command, the caller may not call it, or it has an argument it does not know */
    Object handle(ControlRequest request, Right right, Progress progress)
            throws ControlException, InterruptedException {
        Optional<ControlCommand> command = ControlCommand.of(request.command());
        CommandHandler handler = command.map(handlers::get).orElse(null);
        if (handler == null) {
            List<String> words =
                    handlers.keySet().stream().map(ControlCommand::word).toList();
            throw new ControlException(
                    ErrorCode.UNKNOWN_COMMAND,
                    "this agent knows no command \"" + request.command() + "\"",
                    "",
                    Suggestion.forWord(request.command(), words)
                            .map(word -> "did you mean \"" + word + "\"?")
                            .orElse("is the agent older than the command line?"));
        }
        if (!right.covers(command.get().right())) {
            throw refusal(command.get(), right);
        }
        request.arguments().refuseOthersThan(command.get().arguments());
        return handler.handle(request.arguments(), progress);
    }

    private static ControlException refusal(ControlCommand command, Right right) {
        return switch (command.right()) {
            case STATUS -> throw new IllegalStateException("everybody who is served may look, " + right.word());
            case ADMINISTRATION ->
                new ControlException(
                        ErrorCode.FORBIDDEN,
                        "this caller may only look, and " + command.word() + " does more",
                        "members of status_group may call what lists and shows",
                        "run the command as root, or join admin_group");
            case ROOT ->
                new ControlException(
                        ErrorCode.FORBIDDEN,
                        "only root may call " + command.word(),
                        "the agent opens a file that the caller names, and it does that as root",
                        "run the command as root");
        };
    }
}
