package dev.holdfast.agent.control.reply;

/**
 * The answer to {@code vm.console}.
 *
 * @param socket the UNIX socket of the machine's serial console
 */
public record Console(String socket) {}
