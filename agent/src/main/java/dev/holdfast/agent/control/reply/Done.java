package dev.holdfast.agent.control.reply;

/**
 * A command was carried out and there is not more to say.
 *
 * @param message one line for the user
 */
public record Done(String message) {}
