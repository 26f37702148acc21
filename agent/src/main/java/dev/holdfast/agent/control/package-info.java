/**
 * The control socket: how the command line and the resource agent talk to the agent.
 *
 * <p>One JSON object a line (NDJSON). A request {@code {"id": 1, "command": "checkpoint.create", "arguments": {...}}} is
 * answered by any number of {@code {"id": 1, "progress": {...}}} and then by one {@code {"id": 1, "result": {...}}} or
 * {@code {"id": 1, "error": {"code", "message", "cause", "correction", "exit"}}}. Requests of one connection are served one
 * after the other; connections are independent. {@link dev.holdfast.agent.control.ControlCommand} lists the commands,
 * {@code reply} what they answer.
 */
@NullMarked
package dev.holdfast.agent.control;

import org.jspecify.annotations.NullMarked;
