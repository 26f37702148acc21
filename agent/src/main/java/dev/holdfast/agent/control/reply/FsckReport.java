package dev.holdfast.agent.control.reply;

import dev.holdfast.coordinator.protocol.Name;
import java.util.List;

/**
 * The answer to {@code node.fsck}.
 *
 * @param rows everything that does not belong there; none if all is well
 */
public record FsckReport(List<Row> rows) {

    /** Copies the list. */
    public FsckReport {
        rows = List.copyOf(rows);
    }

    /**
     * One thing.
     *
     * @param vm the machine in whose chain it is
     * @param kind {@code problem} (a person has to put it right), {@code leftover} (nothing needs it) or {@code lost} (what a
     *     recovery took away)
     * @param text what it is, naming a file
     */
    public record Row(Name vm, String kind, String text) {}
}
