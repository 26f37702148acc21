package dev.holdfast.agent.control.reply;

import java.util.List;

/**
 * The answer to {@code node.fsck}.
 *
 * @param rows what was repaired, then everything that does not belong there; none if all is well
 */
public record FsckReport(List<Row> rows) {

    /** {@link Row#kind} of what a recovery took away: no fault. */
    public static final String LOST = "lost";

    /** {@link Row#kind} of what was not looked at, because something is under way on it: no fault. */
    public static final String PASSED = "passed";

    /** {@link Row#kind} of what was repaired just now: no fault any more. */
    public static final String REPAIRED = "repaired";

    /** Copies the list. */
    public FsckReport {
        rows = List.copyOf(rows);
    }

    /**
     * One thing.
     *
     * @param node where it was found; empty for what concerns the cluster
     * @param subject the machine, group, checkpoint or round it is about
     * @param kind {@code problem} (it has to be put right), {@code leftover} (nothing needs it), {@code unseen} (it could not be
     *     looked at), {@code passed} (it was not looked at, because something is under way on it), {@code lost} (what a recovery took
     *     away) or {@code repaired}
     * @param text what it is
     * @param repair what {@code --repair} does about it; empty if only a person can
     * @param remedy what a person does about it; empty if the repair is all there is to do
     */
    public record Row(String node, String subject, String kind, String text, String repair, String remedy) {}
}
