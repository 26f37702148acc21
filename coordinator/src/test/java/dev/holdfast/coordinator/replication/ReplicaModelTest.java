package dev.holdfast.coordinator.replication;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Explores all interleavings of the real machines within small bounds. {@code -Dholdfast.check=large} takes larger ones
 * (minutes). Prints states and seconds of each.
 */
final class ReplicaModelTest {

    private static final boolean LARGE = "large".equals(System.getProperty("holdfast.check"));
    private static final int MOST_STATES = LARGE ? 20_000_000 : 2_000_000;

    @TestFactory
    List<DynamicTest> holdsInEveryReachableWorld() {
        List<Setup> setups = new ArrayList<>(Setups.small());
        if (LARGE) {
            setups.addAll(Setups.large());
        }
        return setups.stream()
                .map(setup -> DynamicTest.dynamicTest(setup.title(), () -> explore(setup)))
                .toList();
    }

    /** A primary that goes on unrecorded meets more than can be visited each time: the nearest are. */
    private static final int NEAREST = 480_000;

    private static void explore(Setup setup) {
        boolean all = LARGE || setup.policy().onIsolation() == Policy.OnIsolation.PAUSE;
        long from = System.nanoTime();
        Explorer.Result result = new Explorer(setup, all ? MOST_STATES : NEAREST).run();
        System.out.printf("%-72s %.1f s %s%n", setup.title(), (System.nanoTime() - from) / 1e9, result);
        assertThat(result.violation()).as("%s", result).isEmpty();
        assertThat(result.complete() || !all).as("%s", result).isTrue();
    }
}
