package dev.holdfast.coordinator.protocol.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import org.junit.jupiter.api.Test;

/** T2: random walks. {@code -Dholdfast.walks=1000000} for more, {@code -Dholdfast.seed=N} to replay one. */
final class RandomWalkTest {

    private static final int WALKS = Integer.getInteger("holdfast.walks", 10_000);
    private static final long FIRST_SEED = Long.getLong("holdfast.firstSeed", 1);

    @Test
    void noWalkBreaksAnInvariantAndAllComeToRest() {
        Long seed = Long.getLong("holdfast.seed");
        if (seed != null) {
            Walk walk = new Walk(seed, Mutant.NONE).run();
            System.out.println("seed " + seed + ", " + walk.setup());
            walk.tail(Integer.MAX_VALUE).forEach(System.out::println);
            assertThat(walk.violation).isEmpty();
            return;
        }
        long from = System.nanoTime();
        long steps = 0;
        int committed = 0;
        int aborted = 0;
        for (int i = 0; i < WALKS; i++) {
            Walk walk = new Walk(FIRST_SEED + i, Mutant.NONE).run();
            if (!walk.violation.isEmpty()) {
                fail(report(walk, FIRST_SEED + i));
            }
            steps += walk.steps();
            for (World.Slot slot : walk.world().rounds) {
                committed += slot.decided == World.COMMITTED ? 1 : 0;
                aborted += slot.decided == World.ABORTED ? 1 : 0;
            }
        }
        double seconds = (System.nanoTime() - from) / 1e9;
        System.out.printf(
                "walks: %,d in %.1f s (%,.0f/s), %,d steps, %,d rounds committed, %,d aborted%n",
                WALKS, seconds, WALKS / seconds, steps, committed, aborted);
        assertThat(committed).as("walks that only abort test little").isGreaterThan(WALKS / 5);
        assertThat(aborted).as("walks that only commit test little").isGreaterThan(WALKS / 5);
    }

    private static String report(Walk walk, long seed) {
        return """
                %s
                seed %d, %s
                  %s
                replay: mvn -q -o -pl coordinator test -Dtest=RandomWalkTest -Dholdfast.seed=%d""".formatted(walk.violation, seed, walk.setup(), String.join("\n  ", walk.tail(60)), seed);
    }

    @Test
    void theSameSeedGivesTheSameWalk() {
        for (long seed = 1; seed < 200; seed++) {
            Walk first = new Walk(seed, Mutant.NONE).run();
            Walk second = new Walk(seed, Mutant.NONE).run();
            assertThat(second.tail(Integer.MAX_VALUE)).isEqualTo(first.tail(Integer.MAX_VALUE));
        }
    }
}
