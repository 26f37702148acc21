/**
 * The command line {@code holdfast}: a thin client of the control socket. Each command is a class that turns options into
 * one request and one answer into text. Exit codes are those of {@link dev.holdfast.agent.control.ExitCode}. The only
 * package that knows picocli.
 */
@NullMarked
package dev.holdfast.agent.cli;

import org.jspecify.annotations.NullMarked;
