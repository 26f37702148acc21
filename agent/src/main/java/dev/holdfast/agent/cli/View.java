package dev.holdfast.agent.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Help.Column;
import picocli.CommandLine.Help.TextTable;

/** Writes tables and lists of properties. One thread. */
final class View {
    private static final int GAP = 2;
    private static final String[] UNITS = {"B", "KiB", "MiB", "GiB", "TiB"};

    private final Environment environment;
    private final List<String[]> rows = new ArrayList<>();

    View(Environment environment) {
        this.environment = environment;
    }

    /** The first row is the head. */
    View row(String... cells) {
        rows.add(cells);
        return this;
    }

    /** A property, if there is anything to say. */
    View property(String name, String value) {
        if (!value.isEmpty()) {
            rows.add(new String[] {name + ":", value});
        }
        return this;
    }

    /** Writes the rows; the last column is wrapped at the end of the line. */
    void print() {
        if (rows.isEmpty()) {
            return;
        }
        int columns = rows.get(0).length;
        Column[] shapes = new Column[columns];
        int used = 0;
        for (int i = 0; i < columns; i++) {
            int column = i;
            int longest =
                    rows.stream().mapToInt(row -> row[column].length()).max().orElse(0) + (i == columns - 1 ? 1 : GAP);
            int room = Math.max(20, environment.width() - used);
            int width = i == columns - 1 ? Math.min(longest, room) : longest;
            shapes[i] =
                    new Column(Math.max(1, width), 0, i == columns - 1 ? Column.Overflow.WRAP : Column.Overflow.SPAN);
            used += width;
        }
        TextTable table = TextTable.forColumns(Ansi.OFF, shapes);
        table.indentWrappedLines = 0;
        rows.forEach(row -> table.addRowValues(printable(row)));
        table.toString().lines().map(String::stripTrailing).forEach(environment.out()::println);
        rows.clear();
    }

    /** Writes the rows, or a sentence if there is none but the head. */
    void printOr(String nothing) {
        if (rows.size() <= 1) {
            environment.out().println(nothing);
            rows.clear();
            return;
        }
        print();
    }

    /** 1536 as {@code 1.5 KiB}; empty for negative numbers, which stand for "unknown". */
    static String size(long bytes) {
        if (bytes < 0) {
            return "";
        }
        double value = bytes;
        int unit = 0;
        while (value >= 1024 && unit < UNITS.length - 1) {
            value /= 1024;
            unit++;
        }
        String form = unit == 0 || value >= 100 ? "%.0f %s" : "%.1f %s";
        return String.format(Locale.ROOT, form, value, UNITS[unit]);
    }

    static String padded(String text, int width) {
        return text + " ".repeat(Math.max(0, width - text.length()));
    }

    /** What comes from elsewhere must not move the cursor. */
    private static String[] printable(String[] cells) {
        String[] clean = new String[cells.length];
        for (int i = 0; i < cells.length; i++) {
            clean[i] = cells[i].replaceAll("[\\p{Cntrl}&&[^\n]]", "?").replace("@|", "@ |");
        }
        return clean;
    }
}
