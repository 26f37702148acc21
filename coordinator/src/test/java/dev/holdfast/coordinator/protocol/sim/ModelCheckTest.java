package dev.holdfast.coordinator.protocol.sim;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.sim.Setup.Fault;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Explores all interleavings of the real machines within small bounds. {@code -Dholdfast.check=large} takes larger ones
 * (minutes). Prints states, transitions and seconds of each.
 */
final class ModelCheckTest {

    private static final boolean LARGE = "large".equals(System.getProperty("holdfast.check"));
    private static final int MOST_STATES = 30_000_000;

    private static Setup checkpoint(int nodes) {
        return Setup.of(nodes, Setup.all(RoundKind.CHECKPOINT, nodes)).merged();
    }

    private static Setup revert(int nodes) {
        return Setup.of(nodes, Setup.all(RoundKind.REVERT, nodes)).merged();
    }

    private static List<Setup> small() {
        return List.of(
                checkpoint(3),
                checkpoint(3).with(Fault.DROP, 1),
                checkpoint(2).with(Fault.CRASH, 1).with(Fault.DROP, 1).with(Fault.DUPLICATE, 1),
                checkpoint(3).with(Fault.DUPLICATE, 1),
                checkpoint(2).with(Fault.TIME, 1),
                checkpoint(2).with(Fault.CRASH, 1).with(Fault.GUARD, 1),
                checkpoint(2).with(Fault.ELECTION, 1).with(Fault.STORE, 1),
                checkpoint(2).with(Fault.USER, 1).with(Fault.GUARD, 1).with(Fault.DROP, 1),
                checkpoint(2).with(Fault.PHASE, 1).with(Fault.DUPLICATE, 1),
                checkpoint(2).with(Fault.STORE, 2),
                checkpoint(2).with(Fault.GIVE_UP, 1).with(Fault.DROP, 1),
                checkpoint(2).with(Fault.FENCE, 1),
                checkpoint(2).with(Fault.JOURNAL, 1).with(Fault.CRASH, 1),
                revert(2).with(Fault.JOURNAL, 1),
                checkpoint(2).with(Fault.RESTORE, 1).with(Fault.RECORD, 1).with(Fault.GIVE_UP, 1),
                revert(2).with(Fault.RESTORE, 1).with(Fault.RECORD, 1).with(Fault.GIVE_UP, 1),
                checkpoint(2).with(Fault.RECORD, 1).with(Fault.CONCLUDE, 1).with(Fault.STORE, 1),
                revert(2).with(Fault.RECORD, 1).with(Fault.CONCLUDE, 1).with(Fault.STORE, 1),
                revert(2).with(Fault.RECORD, 1).with(Fault.CONCLUDE, 1).with(Fault.CRASH, 1),
                revert(2).with(Fault.RECORD, 1).with(Fault.CONCLUDE, 1).with(Fault.PHASE, 1),
                revert(3),
                revert(3).with(Fault.DROP, 1),
                revert(2).with(Fault.CRASH, 1),
                revert(2).with(Fault.TIME, 1),
                revert(2).with(Fault.ELECTION, 1).with(Fault.STORE, 1),
                revert(2).with(Fault.PHASE, 1),
                revert(2).with(Fault.USER, 1).with(Fault.GUARD, 1).with(Fault.GIVE_UP, 1));
    }

    private static List<Setup> large() {
        return List.of(
                checkpoint(3).with(Fault.CRASH, 1),
                checkpoint(3).with(Fault.DROP, 1).with(Fault.DUPLICATE, 1),
                checkpoint(2).with(Fault.CRASH, 1).with(Fault.ELECTION, 1),
                checkpoint(2).with(Fault.CRASH, 2),
                checkpoint(2).with(Fault.TIME, 2),
                checkpoint(2).with(Fault.CRASH, 1).with(Fault.PHASE, 1),
                checkpoint(2).with(Fault.CRASH, 1).with(Fault.PHASE, 1).with(Fault.STORE, 1),
                checkpoint(2).with(Fault.STORE, 2).with(Fault.ELECTION, 1),
                checkpoint(2).with(Fault.TIME, 1).with(Fault.DROP, 2),
                checkpoint(2).with(Fault.TIME, 1).with(Fault.CRASH, 1),
                checkpoint(2).with(Fault.TIME, 1).with(Fault.USER, 1).with(Fault.GUARD, 1),
                revert(3).with(Fault.CRASH, 1),
                revert(3).with(Fault.TIME, 1),
                revert(3).with(Fault.RECORD, 1).with(Fault.CONCLUDE, 1),
                revert(2)
                        .with(Fault.RECORD, 1)
                        .with(Fault.CONCLUDE, 1)
                        .with(Fault.CRASH, 1)
                        .with(Fault.ELECTION, 1),
                revert(2).with(Fault.CRASH, 1).with(Fault.ELECTION, 1),
                revert(2).with(Fault.CRASH, 1).with(Fault.PHASE, 1).with(Fault.STORE, 1));
    }

    @TestFactory
    List<DynamicTest> holdsInEveryReachableWorld() {
        List<Setup> setups = new ArrayList<>(small());
        if (LARGE) {
            setups.addAll(large());
        }
        return setups.stream()
                .map(setup -> DynamicTest.dynamicTest(name(setup), () -> explore(setup)))
                .toList();
    }

    private static void explore(Setup setup) {
        Checker.Result result = new Checker(setup, MOST_STATES).run();
        System.out.printf("%-64s %s%n", name(setup), result);
        assertThat(result.violation()).as("%s", result).isEmpty();
        assertThat(result.complete()).as("%s", result).isTrue();
        assertThat(result.ends()).isPositive();
    }

    static String name(Setup setup) {
        StringBuilder name = new StringBuilder(setup.rounds().get(0).kind() + " of "
                + Integer.bitCount(setup.rounds().get(0).members()));
        for (Fault fault : Fault.values()) {
            int times = setup.budgets().get(fault.ordinal());
            if (times > 0) {
                name.append(", ").append(fault).append(' ').append(times);
            }
        }
        return name.toString();
    }
}
