package dev.holdfast.coordinator.protocol;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiFunction;
import java.util.stream.Collectors;

/**
 * A table of every state against every event, kept as a file of lines {@code state | event | outcome}. An outcome is the
 * next state with its effects, {@code -} for a rejected event, or {@code BUG} where the machine must stop the node.
 * {@code -Dholdfast.matrix=write} writes the table anew, for review by a person.
 */
final class Matrix {

    private Matrix() {}

    /** What the machine does, by line. */
    static <S, V> Map<String, String> actual(
            Map<String, S> states, Map<String, V> events, BiFunction<S, V, Step<S, ?>> machine) {
        Map<String, String> table = new LinkedHashMap<>();
        states.forEach((stateName, state) -> events.forEach(
                (eventName, event) -> table.put(stateName + " | " + eventName, outcome(state, event, machine))));
        return table;
    }

    private static <S, V> String outcome(S state, V event, BiFunction<S, V, Step<S, ?>> machine) {
        Step<S, ?> step;
        try {
            step = machine.apply(state, event);
        } catch (IllegalStateException bug) {
            return "BUG";
        }
        if (step.rejection().isPresent()) {
            if (!step.next().equals(state) || !step.effects().isEmpty()) {
                throw new AssertionError("a rejected event changed something: " + state + " " + event);
            }
            return "-";
        }
        String effects = step.effects().stream().map(Matrix::name).collect(Collectors.joining(" "));
        return (step.next().equals(state) ? "same" : step.next().getClass().getSimpleName())
                + (effects.isEmpty() ? "" : ": " + effects);
    }

    private static String name(Object effect) {
        String text = effect.toString();
        String simple = effect.getClass().getSimpleName();
        for (String detail :
                new String[] {"COMMITTED", "ABORTED", "PREPARE", "DEADLINE", "DRAIN", "RETRY", "UNKNOWN"}) {
            if (text.contains("decision=" + detail)
                    || text.contains("timer=" + detail)
                    || text.contains("kind=" + detail)) {
                return simple + "(" + detail + ")";
            }
        }
        if (text.contains("vote=Durable")) {
            return simple + "(DURABLE)";
        }
        if (text.contains("vote=No")) {
            return simple + "(NO)";
        }
        if (simple.equals("WriteJournal")) {
            return simple + (text.contains("report=Optional.empty") ? "(INTENT)" : "(VOTED)");
        }
        return simple;
    }

    /** Lines that are missing in either table, or say something else. */
    static List<String> differences(Map<String, String> actual, Map<String, String> expected) {
        Set<String> lines = new TreeSet<>(actual.keySet());
        lines.addAll(expected.keySet());
        return lines.stream()
                .filter(line -> !Objects.equals(actual.get(line), expected.get(line)))
                .map(line -> line + ": the table says " + expected.get(line) + ", the machine " + actual.get(line))
                .toList();
    }

    /** The reviewed table. */
    static Map<String, String> expected(String file, Map<String, String> actual) {
        if ("write".equals(System.getProperty("holdfast.matrix"))) {
            write(file, actual);
        }
        Map<String, String> table = new LinkedHashMap<>();
        try (InputStream in = Matrix.class.getResourceAsStream(file)) {
            if (in == null) {
                throw new AssertionError("there is no table " + file);
            }
            new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.isBlank() && !line.startsWith("#"))
                    .forEach(line -> {
                        int cut = line.lastIndexOf('|');
                        table.put(
                                line.substring(0, cut).strip().replaceAll(" +", " "),
                                line.substring(cut + 1).strip());
                    });
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return table;
    }

    private static void write(String file, Map<String, String> actual) {
        StringBuilder text =
                new StringBuilder("# state | event | next state and effects; - rejected; BUG the node stops\n");
        actual.forEach((line, outcome) -> {
            int cut = line.indexOf('|');
            text.append("%-26s | %-28s | %s%n"
                    .formatted(
                            line.substring(0, cut).strip(),
                            line.substring(cut + 1).strip(),
                            outcome));
        });
        for (String root : new String[] {"src/test/resources", "target/test-classes"}) {
            try {
                Files.writeString(Path.of(root, "dev/holdfast/coordinator/protocol", file), text);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
