package dev.holdfast.agent.control.reply;

import java.util.Optional;

/**
 * The answer to {@code vm.console}.
 *
 * @param socket the UNIX socket of the machine's serial console; empty if nobody can talk to it
 * @param output the file to which such a console is written
 */
public record Console(String socket, Optional<String> output) {}
