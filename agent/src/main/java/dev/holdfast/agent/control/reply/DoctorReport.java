package dev.holdfast.agent.control.reply;

import dev.holdfast.agent.doctor.Check;
import java.util.List;

/**
 * The answer to {@code node.doctor}.
 *
 * @param checks all that was looked at, whether well or not
 */
public record DoctorReport(List<Check> checks) {

    /** Copies the list. */
    public DoctorReport {
        checks = List.copyOf(checks);
    }
}
