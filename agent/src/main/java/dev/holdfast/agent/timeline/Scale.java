package dev.holdfast.agent.timeline;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Maps instants to places on a line. Immutable.
 *
 * @param fromNanos instant at the left end
 * @param toNanos instant at the right end, later than the left one
 * @param width length of the line, in any unit
 */
record Scale(long fromNanos, long toNanos, double width) {

    /** With some room before the first freeze and after the last thaw, so that machines are seen running. */
    static Scale of(CheckpointTimeline timeline, double width) {
        long length = Math.max(1_000, timeline.endNanos() - timeline.beginNanos());
        return new Scale(timeline.beginNanos() - length / 12, timeline.endNanos() + length / 12, width);
    }

    double place(long nanos) {
        return width * (nanos - fromNanos) / (toNanos - fromNanos);
    }

    /** Round instants within the line, about as many as asked for. */
    List<Long> ticks(int about) {
        double rough = (double) (toNanos - fromNanos) / Math.max(1, about);
        double power = Math.pow(10, Math.floor(Math.log10(rough)));
        double digit = rough / power;
        long step = Math.max(1, Math.round(power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10)));
        List<Long> ticks = new ArrayList<>();
        for (long tick = Math.floorDiv(fromNanos, step) * step; tick <= toNanos; tick += step) {
            if (tick >= fromNanos) {
                ticks.add(tick);
            }
        }
        return ticks;
    }

    /** A tick in milliseconds without needless digits. */
    static String tickLabel(long nanos) {
        String text = String.format(Locale.ROOT, "%.6f", nanos / 1e6);
        return text.replaceAll("0+$", "").replaceAll("\\.$", "");
    }
}
