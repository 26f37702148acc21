package dev.holdfast.agent.control;

/** Serves one command. May block for as long as the command takes; called from several threads at once. */
@FunctionalInterface
public interface CommandHandler {

    /**
     * Carries the command out.
     *
     * @param arguments what the caller asked for; only keys the command knows
     * @param progress tells the caller how it gets on
     * @return a record of {@code reply}, or a map; written as one JSON object
     * @throws ControlException if it does not succeed
     * @throws InterruptedException if the agent ends meanwhile
     */
    Object handle(Arguments arguments, Progress progress) throws ControlException, InterruptedException;
}
