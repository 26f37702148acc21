package dev.holdfast.coordinator.replication;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Visits every world that can come about within a setup, breadth first: what it finds has the fewest steps. */
final class Explorer {

    /** What was found. */
    record Result(String violation, List<String> trace, int states, boolean complete) {
        @Override
        public String toString() {
            return "%,d states%s%s"
                    .formatted(
                            states,
                            complete ? "" : ", not all",
                            violation.isEmpty() ? "" : "\n" + violation + "\n  " + String.join("\n  ", trace));
        }
    }

    private record Origin(String from, Moves.Move move) {}

    private final Setup setup;
    private final int most;
    private final World.Interner ids = new World.Interner();
    private final Map<String, Origin> seen = new HashMap<>();

    Explorer(Setup setup, int most) {
        this.setup = setup;
        this.most = most;
    }

    Result run() {
        World first = Walk.first(setup);
        Deque<World> frontier = new ArrayDeque<>();
        seen.put(first.key(ids), new Origin("", new Moves.Move(Moves.Kind.EFFECT, 0, -1)));
        frontier.add(first);
        while (!frontier.isEmpty()) {
            if (seen.size() > most) {
                return new Result("", List.of(), seen.size(), false);
            }
            World world = frontier.poll();
            String from = world.key(ids);
            for (Moves.Move move : Moves.of(world)) {
                World next = world.copy();
                Moves.make(next, move);
                String key = next.key(ids);
                if (seen.putIfAbsent(key, new Origin(from, move)) != null) {
                    continue;
                }
                if (!next.violation.isEmpty()) {
                    return new Result(next.violation, trace(key), seen.size(), false);
                }
                frontier.add(next);
            }
        }
        return new Result("", List.of(), seen.size(), true);
    }

    private List<String> trace(String end) {
        List<String> steps = new ArrayList<>();
        List<Moves.Move> made = new ArrayList<>();
        for (Origin at = seen.get(end); at != null && !at.from().isEmpty(); at = seen.get(at.from())) {
            made.add(at.move());
        }
        Collections.reverse(made);
        World world = Walk.first(setup);
        for (Moves.Move move : made) {
            String what = move.kind() == Moves.Kind.EFFECT
                    ? world.nodes[move.n()].due.get(0).toString()
                    : "";
            Moves.make(world, move);
            steps.add(move + " " + what);
        }
        steps.add(world.toString());
        return steps;
    }
}
