package dev.holdfast.agent.config;

import java.nio.file.Path;

/**
 * One thing that is wrong in a configuration file. Immutable.
 *
 * @param file the file
 * @param line counted from 1, or 0 when the problem has no place in the file (it is missing, say)
 * @param column counted from 1, or 0 together with the line
 * @param what what is wrong and why it matters
 * @param correction what to do about it
 */
public record Problem(Path file, int line, int column, String what, String correction) {

    /** {@code file:line:column: what; correction}, the form that editors jump to. */
    public String text() {
        String place = line == 0 ? "" : ":" + line + ":" + column;
        return file + place + ": " + what + (correction.isEmpty() ? "" : "; " + correction);
    }
}
