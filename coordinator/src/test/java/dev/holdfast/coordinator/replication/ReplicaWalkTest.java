package dev.holdfast.coordinator.replication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import org.junit.jupiter.api.Test;

/** T2: random walks. {@code -Dholdfast.walks=1000000} for more, {@code -Dholdfast.seed=N} to replay one. */
final class ReplicaWalkTest {

    private static final int WALKS = Integer.getInteger("holdfast.walks", 6_000);
    private static final long FIRST_SEED = Long.getLong("holdfast.firstSeed", 1);

    @Test
    void noWalkBreaksAnInvariantAndAllComeToRest() {
        Long seed = Long.getLong("holdfast.seed");
        if (seed != null) {
            Walk walk = new Walk(seed, Mutant.NONE).run();
            System.out.println("seed " + seed + ", " + walk.setup().title());
            walk.tail(Integer.MAX_VALUE).forEach(System.out::println);
            assertThat(walk.violation).as("%s", walk).isEmpty();
            return;
        }
        long from = System.nanoTime();
        int decided = 0;
        int failedOver = 0;
        for (int i = 0; i < WALKS; i++) {
            Walk walk = new Walk(FIRST_SEED + i, Mutant.NONE).run();
            if (!walk.violation.isEmpty()) {
                fail(report(walk, FIRST_SEED + i));
            }
            decided += walk.decided ? 1 : 0;
            failedOver += walk.failedOver ? 1 : 0;
        }
        System.out.printf(
                "walks: %,d in %.1f s, %,d ended on another node, in %,d a person had to decide%n",
                WALKS, (System.nanoTime() - from) / 1e9, failedOver, decided);
        assertThat(failedOver).isGreaterThan(WALKS / 10);
        assertThat(decided).isBetween(1, WALKS / 3);
    }

    private static String report(Walk walk, long seed) {
        return """
                %s
                seed %d, %s
                  %s
                %s
                replay: mvn -q -o -pl coordinator test -Dtest=ReplicaWalkTest -Dholdfast.seed=%d""".formatted(
                        walk.violation, seed, walk.setup().title(), String.join("\n  ", walk.tail(60)), walk, seed);
    }

    @Test
    void theSameSeedGivesTheSameWalk() {
        for (long seed = 1; seed < 100; seed++) {
            assertThat(new Walk(seed, Mutant.NONE).run().tail(Integer.MAX_VALUE))
                    .isEqualTo(new Walk(seed, Mutant.NONE).run().tail(Integer.MAX_VALUE));
        }
    }
}
