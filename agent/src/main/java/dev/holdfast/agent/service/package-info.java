/** Serves the commands of the control socket: checks what a caller wants, and answers with the records of {@code control.reply}. */
@NullMarked
package dev.holdfast.agent.service;

import org.jspecify.annotations.NullMarked;
