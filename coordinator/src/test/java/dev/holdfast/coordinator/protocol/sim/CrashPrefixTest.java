package dev.holdfast.coordinator.protocol.sim;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.sim.Setup.Fault;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** T1: the node dies after every prefix of every effect list of a round, recovers, and everything comes to rest. */
final class CrashPrefixTest {

    private static final int RUNS = 40;

    @ParameterizedTest
    @CsvSource({
        "CHECKPOINT,2,",
        "CHECKPOINT,3,",
        "REVERT,2,",
        "REVERT,3,",
        "CHECKPOINT,3,GIVE_UP",
        "REVERT,3,GIVE_UP",
        "CHECKPOINT,2,USER",
        "CHECKPOINT,2,PHASE",
        "REVERT,2,PHASE",
        "CHECKPOINT,2,STORE",
        "REVERT,2,STORE"
    })
    void convergesWhereverTheNodeDies(RoundKind kind, int nodes, Fault alsoHappens) {
        Setup setup = Setup.of(nodes, Setup.all(kind, nodes)).with(Fault.CRASH, 3);
        if (alsoHappens != null) {
            setup = setup.with(alsoHappens, 1);
        }
        Machines machines = new Machines(setup);
        int crashes = 0;
        for (int seed = 0; seed < RUNS; seed++) {
            List<Integer> run = undisturbed(setup, machines, new SplittableRandom(seed));
            for (int at = 0; at < run.size(); at++) {
                for (int prefix = 0; ; prefix++) {
                    if (!diesAt(setup, machines, run, at, prefix, seed)) {
                        break;
                    }
                    crashes++;
                }
            }
        }
        assertThat(crashes).isGreaterThan(RUNS * 20);
    }

    /** A whole round without a crash, with at most one other fault. */
    private static List<Integer> undisturbed(Setup setup, Machines machines, SplittableRandom random) {
        Play play = new Play(machines, World.begin(setup));
        Moves moves = new Moves(machines, play.world());
        List<Integer> made = new ArrayList<>();
        while (true) {
            moves.find(play.world(), false);
            int[] others = java.util.Arrays.stream(moves.faults.moves, 0, moves.faults.size)
                    .filter(move ->
                            Kind.of(move) != Kind.CRASH && Kind.of(move) != Kind.ELECT && Kind.of(move) != Kind.SUSPEND)
                    .toArray();
            Moves.Bag bag = moves.progress.size > 0 ? moves.progress : moves.time;
            if (bag.size == 0 && others.length == 0) {
                return made;
            }
            boolean fault = others.length > 0 && (bag.size == 0 || random.nextInt(12) == 0);
            int move = fault ? others[random.nextInt(others.length)] : bag.moves[random.nextInt(bag.size)];
            made.add(move);
            play.make(move, Play.WHOLE);
            assertThat(play.violation).isEmpty();
        }
    }

    /** Whether there was such a prefix. */
    private static boolean diesAt(Setup setup, Machines machines, List<Integer> run, int at, int prefix, int seed) {
        Play play = new Play(machines, World.begin(setup));
        for (int i = 0; i < at; i++) {
            play.make(run.get(i), Play.WHOLE);
        }
        play.make(run.get(at), prefix);
        if (prefix >= play.effects) {
            return false;
        }
        List<Integer> made = new ArrayList<>(run.subList(0, at + 1));
        List<Integer> limits = new ArrayList<>(made);
        String violation = play.violation.isEmpty()
                ? Walk.heal(play, new Moves(machines, play.world()), new SplittableRandom(seed), made, limits)
                : play.violation;
        assertThat(violation)
                .as("seed %d, dies in move %d (%s) after %d effects", seed, at + 1, Trace.line(run.get(at)), prefix)
                .isEmpty();
        return true;
    }
}
