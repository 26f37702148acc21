package dev.holdfast.agent.cli;

import java.util.List;
import java.util.OptionalLong;

/** A row of small bars, one for each value. Stateless. */
final class Sparkline {
    private static final String UNICODE = "▁▂▃▄▅▆▇█";
    private static final String ASCII = "_.-:=+*#";
    private static final char NOTHING = 'x';

    private Sparkline() {}

    /**
     * Draws values of any unit; the largest one is the highest bar.
     *
     * @param values none of them negative; empty for what has no value, which is shown as a cross
     * @param unicode whether the terminal shows more than ASCII
     */
    static String draw(List<OptionalLong> values, boolean unicode) {
        String bars = unicode ? UNICODE : ASCII;
        long largest = Math.max(
                1, values.stream().mapToLong(value -> value.orElse(0)).max().orElse(0));
        StringBuilder line = new StringBuilder();
        for (OptionalLong value : values) {
            line.append(value.isEmpty() ? NOTHING : bars.charAt(level(value.getAsLong(), largest, bars.length())));
        }
        return line.toString();
    }

    private static int level(long value, long largest, int levels) {
        return (int) Math.min(levels - 1, Math.max(0, Math.ceil((double) value / largest * levels) - 1));
    }
}
