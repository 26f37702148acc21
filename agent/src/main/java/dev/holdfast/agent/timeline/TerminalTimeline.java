package dev.holdfast.agent.timeline;

import dev.holdfast.agent.timeline.CheckpointTimeline.Lane;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Draws a timeline with characters, as wide as the terminal. Stateless. */
public final class TerminalTimeline {
    private static final int LEAST_BAR = 20;
    private static final int LONGEST_LABEL = 28;

    private final Signs signs;
    private final int width;

    /**
     * @param width columns of the terminal; fewer than a useful picture needs are passed over
     * @param unicode whether the terminal shows more than ASCII
     */
    public TerminalTimeline(int width, boolean unicode) {
        this.width = width;
        this.signs = unicode ? Signs.UNICODE : Signs.ASCII;
    }

    private enum Signs {
        UNICODE('─', '▒', '█', '◆', '│', '╵'),
        ASCII('-', '=', '#', 'C', '|', '\'');

        private final char running;
        private final char still;
        private final char cut;
        private final char captured;
        private final char edge;
        private final char tick;

        Signs(char running, char still, char cut, char captured, char edge, char tick) {
            this.running = running;
            this.still = still;
            this.cut = cut;
            this.captured = captured;
            this.edge = edge;
            this.tick = tick;
        }
    }

    /** The lines of the picture, none wider than the terminal unless it is very narrow. */
    public List<String> draw(CheckpointTimeline timeline) {
        int labels = Math.min(
                LONGEST_LABEL,
                timeline.lanes().stream()
                        .mapToInt(lane -> lane.label().length())
                        .max()
                        .orElse(0));
        int pauses = timeline.lanes().stream()
                .mapToInt(lane -> CheckpointTimeline.millis(lane.pauseNanos()).length())
                .max()
                .orElse(0);
        int bar = Math.max(LEAST_BAR, width - labels - pauses - 5);
        Scale scale = Scale.of(timeline, bar);
        List<String> lines = new ArrayList<>();
        lines.add(timeline.title());
        for (Lane lane : timeline.lanes()) {
            String label = fitted(lane.label(), labels);
            String pause = " ".repeat(pauses) + CheckpointTimeline.millis(lane.pauseNanos());
            lines.add(label + " " + signs.edge + bar(timeline, lane, scale, bar) + signs.edge + " "
                    + pause.substring(pause.length() - pauses));
        }
        lines.addAll(axis(scale, bar, " ".repeat(labels + 2)));
        lines.add("%c running  %c frozen  %c all frozen: the cut  %c captured"
                .formatted(signs.running, signs.still, signs.cut, signs.captured));
        lines.addAll(wrapped(timeline.summary()));
        return lines;
    }

    private String bar(CheckpointTimeline timeline, Lane lane, Scale scale, int length) {
        char[] cells = new char[length];
        Arrays.fill(cells, signs.running);
        fill(cells, scale, lane.frozenAtNanos(), lane.thawedAtNanos(), signs.still);
        if (timeline.cutEndsNanos() >= timeline.cutBeginsNanos()) {
            fill(cells, scale, timeline.cutBeginsNanos(), timeline.cutEndsNanos(), signs.cut);
        }
        cells[cell(scale, lane.capturedAtNanos(), length)] = signs.captured;
        return new String(cells);
    }

    /** At least one cell, however short the time. */
    private static void fill(char[] cells, Scale scale, long from, long to, char sign) {
        int first = cell(scale, from, cells.length);
        int last = cell(scale, to, cells.length);
        Arrays.fill(cells, first, Math.max(first + 1, last), sign);
    }

    private static int cell(Scale scale, long nanos, int length) {
        return Math.max(0, Math.min(length - 1, (int) scale.place(nanos)));
    }

    private List<String> axis(Scale scale, int length, String indent) {
        char[] marks = new char[length];
        char[] labels = new char[length + 12];
        Arrays.fill(marks, ' ');
        Arrays.fill(labels, ' ');
        int free = 0;
        for (long tick : scale.ticks(Math.max(2, length / 12))) {
            int place = cell(scale, tick, length);
            String label = Scale.tickLabel(tick);
            marks[place] = signs.tick;
            int start = Math.max(0, place - label.length() / 2);
            if (start >= free && start + label.length() <= length) {
                label.getChars(0, label.length(), labels, start);
                free = start + label.length() + 1;
            }
        }
        " ms".getChars(0, 3, labels, Math.max(0, free - 1));
        return List.of(indent + new String(marks).stripTrailing(), indent + new String(labels).stripTrailing());
    }

    private List<String> wrapped(String sentence) {
        if (sentence.length() <= width) {
            return List.of(sentence);
        }
        return Arrays.stream(sentence.split("; ")).toList();
    }

    private static String fitted(String label, int length) {
        String padded = label + " ".repeat(Math.max(0, length - label.length()));
        return padded.length() > length ? padded.substring(0, length - 1) + "~" : padded;
    }
}
