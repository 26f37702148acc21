package dev.holdfast.coordinator.protocol.sim;

import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.sim.Setup.Fault;
import dev.holdfast.coordinator.protocol.sim.Setup.Plan;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * One random walk: a cluster, faults of some kinds and a schedule drawn from a seed; then everything is healed, and the
 * cluster must come to rest in order. The seed is all there is to it: the same seed gives the same walk.
 */
final class Walk {

    private static final int LONGEST_HEALING = 20_000;
    private static final int MANY_OBJECTS = 100_000;

    /** Machines are shared by walks of the same shape: they only remember. */
    private static final Map<Object, Machines> SHARED = new HashMap<>();

    private final SplittableRandom random;
    private final Setup setup;
    private final Machines machines;
    private final Play play;
    private final Moves moves;
    private final List<Integer> made = new ArrayList<>();
    private final List<Integer> limits = new ArrayList<>();
    private final int[] wakeAt;
    private final int[] unclogAt;

    private final double freezeLag;
    private final double channelLag;
    private final double storeLag;
    private final double diskLag;
    private final double faultRate;
    private final double timeRate;
    private final double pauseRate;
    private final int length;

    /** What went wrong; empty if nothing. */
    String violation = "";

    Walk(long seed, Mutant mutant) {
        random = new SplittableRandom(seed);
        setup = draw(mutant);
        synchronized (SHARED) {
            machines = shared();
        }
        play = new Play(machines, World.begin(setup));
        moves = new Moves(machines, play.world());
        wakeAt = new int[setup.nodes()];
        unclogAt = new int[setup.nodes()];
        freezeLag = pick(0, 0, 0.99);
        channelLag = pick(0, 0, 0.5, 0.9);
        storeLag = pick(0, 0, 0.5, 0.9);
        diskLag = pick(0, 0, 0.5);
        faultRate = pick(0.001, 0.004, 0.015);
        timeRate = pick(0, 0, 0.001, 0.005, 0.03);
        pauseRate = pick(0, 0, 0.003, 0.02);
        length = 80 + random.nextInt(150 * setup.nodes());
    }

    private Machines shared() {
        SHARED.values().removeIf(known -> known.size() > MANY_OBJECTS);
        return SHARED.computeIfAbsent(
                List.of(setup.nodes(), setup.rounds(), setup.reigns(), setup.mutant()), key -> new Machines(setup));
    }

    private double pick(double... from) {
        return from[random.nextInt(from.length)];
    }

    private Setup draw(Mutant mutant) {
        int nodes = 2 + random.nextInt(6);
        Setup drawn = Setup.of(nodes, plans(nodes)).broken(mutant);
        int oneIn = random.nextInt(3) == 0 ? 5 : 2;
        for (Fault fault : Fault.values()) {
            if (fault == Fault.TIME) {
                drawn = drawn.with(fault, 1_000_000);
            } else if (random.nextInt(oneIn) == 0) {
                drawn = drawn.with(fault, 1 + random.nextInt(fault == Fault.CRASH || fault == Fault.ELECTION ? 3 : 4));
            }
        }
        return new Setup(nodes, drawn.rounds(), drawn.budgets(), 14, false, mutant);
    }

    private Plan[] plans(int nodes) {
        int all = (1 << nodes) - 1;
        RoundKind kind = random.nextInt(5) < 3 ? RoundKind.CHECKPOINT : RoundKind.REVERT;
        RoundKind other = random.nextBoolean() ? RoundKind.CHECKPOINT : RoundKind.REVERT;
        int half = (1 << Math.max(1, nodes / 2)) - 1;
        return switch (random.nextInt(6)) {
            case 0, 1 -> new Plan[] {new Plan(kind, half), new Plan(other, all & ~half)};
            case 2 -> new Plan[] {new Plan(kind, all), new Plan(other, all & ~(half >> 1))};
            default -> new Plan[] {new Plan(kind, all)};
        };
    }

    /** Walks, heals, and judges. */
    Walk run() {
        for (int step = 0; step < length && violation.isEmpty(); step++) {
            disturb(step);
            moves.find(play.world(), false);
            if (moves.progress.size > 0 || moves.time.size > 0) {
                make(choose());
            }
        }
        heal();
        return this;
    }

    /** Pauses and clogs nodes, and lets them go on in another order. */
    private void disturb(int step) {
        World world = play.world();
        for (int n = 0; n < setup.nodes() && violation.isEmpty(); n++) {
            if (world.nodes[n].paused && step >= wakeAt[n]) {
                make(Kind.WAKE.move(n, 0, 0));
            } else if (world.nodes[n].up && !world.nodes[n].paused && random.nextDouble() < pauseRate) {
                wakeAt[n] = step + 1 + random.nextInt(150);
                make(Kind.PAUSE.move(n, 0, 0));
            }
            boolean clogged = (world.clogged >> n & 1) != 0;
            if (clogged && step >= unclogAt[n]) {
                make(Kind.UNCLOG.move(n, 0, 0));
            } else if (!clogged && random.nextDouble() < pauseRate / 2) {
                unclogAt[n] = step + 1 + random.nextInt(100);
                make(Kind.CLOG.move(n, 0, 0));
            }
        }
    }

    private int choose() {
        if (moves.faults.size > 0 && random.nextDouble() < faultRate * Math.min(4, moves.faults.size)) {
            return any(moves.faults);
        }
        if (moves.time.size > 0 && (moves.progress.size == 0 || random.nextDouble() < timeRate)) {
            return any(moves.time);
        }
        return any(moves.progress);
    }

    private int any(Moves.Bag bag) {
        int move = bag.moves[random.nextInt(bag.size)];
        for (int again = 0; again < 4 && random.nextDouble() < lag(Kind.of(move)); again++) {
            move = bag.moves[random.nextInt(bag.size)];
        }
        return move;
    }

    /** Some walks have a slow channel, some a slow store, some slow disks. */
    private double lag(Kind kind) {
        return switch (kind) {
            case FREEZE -> freezeLag;
            case FROZEN, VOID -> channelLag;
            case WRITE_LANDS, ORPHAN_LAND, LAND, VIEW, LEADER_VIEW -> storeLag;
            case PHASE, JOURNAL, THAW -> diskLag;
            default -> 0;
        };
    }

    private void make(int move) {
        int limit = Play.WHOLE;
        if (play.world().may(Fault.CRASH) && random.nextDouble() < faultRate / 4) {
            play.world().spend(Fault.CRASH);
            limit = random.nextInt(4);
        }
        make(move, limit);
    }

    private void make(int move, int limit) {
        made.add(move);
        limits.add(limit);
        play.make(move, limit);
        violation = play.violation;
    }

    private void heal() {
        World world = play.world();
        world.clogged = 0;
        for (World.Node node : world.nodes) {
            node.paused = false;
        }
        violation = violation.isEmpty() ? heal(play, moves, random, made, limits) : violation;
    }

    /** Lets a world come to rest without any more faults; answers what is wrong with it then. */
    static String heal(Play play, Moves moves, SplittableRandom random, List<Integer> made, List<Integer> limits) {
        for (int step = 0; step < LONGEST_HEALING; step++) {
            moves.find(play.world(), true);
            Moves.Bag bag = moves.progress.size > 0 ? moves.progress : moves.time;
            if (bag.size == 0) {
                return Rules.checkEnd(play.world());
            }
            int move = bag.moves[random.nextInt(bag.size)];
            made.add(move);
            limits.add(Play.WHOLE);
            play.make(move, Play.WHOLE);
            if (!play.violation.isEmpty()) {
                return play.violation;
            }
        }
        return "does not come to rest";
    }

    int steps() {
        return made.size();
    }

    Setup setup() {
        return setup;
    }

    World world() {
        return play.world();
    }

    /** The last so many moves in words. */
    List<String> tail(int many) {
        List<String> lines = new ArrayList<>();
        for (int i = Math.max(0, made.size() - many); i < made.size(); i++) {
            lines.add("%4d. %s".formatted(i + 1, Trace.line(made.get(i), limits.get(i))));
        }
        return lines;
    }
}
