package dev.holdfast.coordinator.protocol.sim;

import dev.holdfast.coordinator.protocol.sim.Setup.Fault;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * Explores every world that can be reached from the first one, breadth first, so that a trace to a violation is a shortest
 * one. Worlds are remembered by a 128-bit fingerprint.
 */
final class Checker {

    /**
     * What was found.
     *
     * @param violation empty if nothing
     * @param trace the way to the violation
     * @param complete every reachable world was seen
     * @param ends worlds in which nothing can happen any more without a fault
     */
    record Result(
            String violation,
            List<String> trace,
            boolean complete,
            int states,
            long transitions,
            int ends,
            double seconds) {

        @Override
        public String toString() {
            return "%s%,d states, %,d transitions, %,d ends, %.1f s%s"
                    .formatted(
                            complete || !violation.isEmpty() ? "" : "INCOMPLETE: ",
                            states,
                            transitions,
                            ends,
                            seconds,
                            violation.isEmpty() ? "" : "\n  " + violation + "\n    " + String.join("\n    ", trace));
        }
    }

    private final Setup setup;
    private final Machines machines;
    private final Play play;
    private final Moves moves;
    private final Eager eager;
    private final int limit;
    private final Key key = new Key();

    private long[] table = new long[1 << 21];
    private int[] indexes = new int[1 << 20];
    private int[] parents = new int[1 << 16];
    private int[] made = new int[1 << 16];
    private byte[] limits = new byte[1 << 16];
    private int states;
    private long transitions;
    private int ends;
    private boolean safetyOnly;

    private final ArrayDeque<World> queue = new ArrayDeque<>();
    private int current;
    private String violation = "";
    private int violated;
    /** The move that broke something; empty if it is how a world came to rest that is wrong. */
    private String last = "";

    /** @param limit how many states to look at before giving up */
    Checker(Setup setup, int limit) {
        this.setup = setup;
        this.limit = limit;
        machines = new Machines(setup);
        play = new Play(machines, World.begin(setup));
        moves = new Moves(machines, play.world());
        eager = new Eager(machines);
    }

    /** Looks only at what must hold at every moment, not at how a world comes to rest. */
    Checker safetyOnly() {
        safetyOnly = true;
        return this;
    }

    Result run() {
        long from = System.nanoTime();
        World first = World.begin(setup);
        remember(first, -1, 0, Play.WHOLE);
        queue.add(first);
        for (current = 0; !queue.isEmpty() && violation.isEmpty() && states < limit; current++) {
            expand(queue.poll());
        }
        double seconds = (System.nanoTime() - from) / 1e9;
        List<String> trace = violation.isEmpty() ? List.of() : trace(violated);
        return new Result(violation, trace, queue.isEmpty(), states, transitions, ends, seconds);
    }

    private void expand(World world) {
        moves.find(world, false);
        reduce(world);
        int[] all = new int[moves.progress.size + moves.time.size + moves.faults.size];
        System.arraycopy(moves.progress.moves, 0, all, 0, moves.progress.size);
        System.arraycopy(moves.time.moves, 0, all, moves.progress.size, moves.time.size);
        int free = moves.progress.size + moves.time.size;
        System.arraycopy(moves.faults.moves, 0, all, free, moves.faults.size);
        key.of(world);
        long high = key.high;
        long low = key.low;
        boolean end = true;
        for (int i = 0; i < all.length && violation.isEmpty(); i++) {
            follow(world, all[i], Play.WHOLE);
            end &= i >= free || key.high == high && key.low == low;
            int effects = play.effects;
            for (int k = 0; world.may(Fault.CRASH) && k < effects - 1 && violation.isEmpty(); k++) {
                follow(world, all[i], k);
            }
        }
        if (end && !safetyOnly && violation.isEmpty()) {
            ends++;
            violation = Rules.checkEnd(world);
            violated = current;
        }
    }

    /** Leaves only one move that may come first, and the faults that can hit it. */
    private void reduce(World world) {
        int chosen = setup.coarse() ? eager.choose(world, moves.progress) : -1;
        if (chosen < 0) {
            return;
        }
        int kept = 0;
        for (int i = 0; i < moves.faults.size; i++) {
            int fault = moves.faults.moves[i];
            if (Eager.concerns(fault, chosen)) {
                moves.faults.moves[kept++] = fault;
            }
        }
        moves.faults.size = kept;
        moves.time.size = 0;
        moves.progress.size = 1;
        moves.progress.moves[0] = chosen;
    }

    private void follow(World world, int move, int after) {
        World next = world.copy();
        if (after != Play.WHOLE) {
            next.spend(Fault.CRASH);
        }
        play.world(next);
        play.make(move, after);
        transitions++;
        if (remember(next, current, move, after)) {
            queue.add(next);
        }
        if (!play.violation.isEmpty()) {
            violation = play.violation;
            violated = current;
            last = Trace.line(move, after);
        }
    }

    /** Whether the world is new. */
    private boolean remember(World world, int parent, int move, int after) {
        key.of(world);
        int mask = indexes.length - 1;
        int at = (int) (key.low & mask);
        while (indexes[at] != 0) {
            if (table[2 * at] == key.high && table[2 * at + 1] == key.low) {
                return false;
            }
            at = (at + 1) & mask;
        }
        table[2 * at] = key.high;
        table[2 * at + 1] = key.low;
        if (states == parents.length) {
            parents = Arrays.copyOf(parents, 2 * states);
            made = Arrays.copyOf(made, 2 * states);
            limits = Arrays.copyOf(limits, 2 * states);
        }
        parents[states] = parent;
        made[states] = move;
        limits[states] = (byte) after;
        states++;
        indexes[at] = states;
        if (2 * states > indexes.length) {
            grow();
        }
        return true;
    }

    private void grow() {
        long[] oldTable = table;
        int[] oldIndexes = indexes;
        table = new long[2 * oldTable.length];
        indexes = new int[2 * oldIndexes.length];
        int mask = indexes.length - 1;
        for (int i = 0; i < oldIndexes.length; i++) {
            if (oldIndexes[i] != 0) {
                int at = (int) (oldTable[2 * i + 1] & mask);
                while (indexes[at] != 0) {
                    at = (at + 1) & mask;
                }
                table[2 * at] = oldTable[2 * i];
                table[2 * at + 1] = oldTable[2 * i + 1];
                indexes[at] = oldIndexes[i];
            }
        }
    }

    private List<String> trace(int state) {
        List<String> lines = new ArrayList<>();
        for (int s = state; parents[s] >= 0; s = parents[s]) {
            lines.add(Trace.line(made[s], limits[s]));
        }
        Collections.reverse(lines);
        if (!last.isEmpty()) {
            lines.add(last);
        }
        for (int i = 0; i < lines.size(); i++) {
            lines.set(i, "%2d. %s".formatted(i + 1, lines.get(i)));
        }
        return lines;
    }
}
