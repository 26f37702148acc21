package dev.holdfast.coordinator.replication;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.EnumMap;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Breaks the rules on purpose: each way must be noticed in a world that the unbroken rules survive. */
final class ReplicaMutantTest {

    private static final int MOST_STATES = 2_000_000;

    /** Where each of them shows. All of these are explored with the unbroken rules by {@link ReplicaModelTest}. */
    private static final Map<Mutant, Setup> WHERE = where();

    private static Map<Mutant, Setup> where() {
        Map<Mutant, Setup> where = new EnumMap<>(Mutant.class);
        where.put(Mutant.CONTINUES_WITHOUT_MAX_STALE, Setups.CONTINUE);
        where.put(Mutant.AGE_BEFORE_PROOF, Setups.CONTINUE);
        where.put(Mutant.RESEEDS_STRAYED, Setups.CONTINUE);
        where.put(Mutant.NOT_HELD, Setups.LINK_NODE);
        where.put(Mutant.DETACHES_BEFORE_RECORDED, Setups.LINK_NODE);
        where.put(Mutant.FORGETS_COMMITTING, Setups.AGENT_QEMU);
        where.put(Mutant.ACKNOWLEDGES_BEFORE_COMMITTED, Setups.NODE);
        where.put(Mutant.SENDS_OVER_A_GAP, Setups.QEMU_LINK);
        where.put(Mutant.NODE_IS_COPY, Setups.POWER_TWICE);
        where.put(Mutant.BOOTS_WITHOUT_CLAIM, Setups.QEMU_NODE);
        where.put(Mutant.REVERT_KEEPS_RECORD, Setups.REVERT_POWER);
        where.put(Mutant.GROWS_ACROSS_GENERATIONS, Setups.REVERT_AGENT);
        where.put(Mutant.STOP_KEEPS_STANDBY, Setups.STOP_POWER);
        where.put(Mutant.UNKNOWN_GROWTH_READ, Setups.LINK_ANSWER);
        where.put(Mutant.UNBOUND_WHILE_GROWING, Setups.NODE);
        where.put(Mutant.NEEDS_NO_PROOF, Setups.NO_FENCING);
        where.put(Mutant.PROMOTES_OUT_OF_SYNC, Setups.LINK_NODE);
        where.put(Mutant.RUNS_BEFORE_BOUND, Setups.NODE);
        where.put(Mutant.RUNS_AFTER_BOUND, Setups.NODE);
        where.put(Mutant.LAG_DIES_WITH_AGENT, Setups.AGENT_QEMU);
        where.put(Mutant.RELEASES_BEFORE_COMMITTED, Setups.LINK_NODE);
        where.put(Mutant.TAKES_ANY_EPOCH_FOR_THE_LAST, Setups.SWITCHOVER_ANSWER);
        where.put(Mutant.CALLS_OFF_UNKNOWN_HANDOVER, Setups.SWITCHOVER_ANSWER);
        where.put(Mutant.KEEPS_COPY_BEFORE_ROLLBACK, Setups.POWER_TWICE);
        where.put(Mutant.PROMOTES_MID_COMMIT, Setups.NODE);
        where.put(Mutant.STOPPED_STANDBY_DROPS, Setups.RETIRE_NODE);
        where.put(Mutant.RESTS_MID_COMMIT, Setups.RETIRE_NODE);
        where.put(Mutant.FAILED_FAILOVER_DROPS, Setups.FAIL_OVER);
        where.put(Mutant.DEMOTED_GOES_ON, Setups.FAIL_OVER);
        where.put(Mutant.FORGETS_LEAVING, Setups.SWITCHOVER_CONTINUE);
        return where;
    }

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"NONE", "RESEEDS_STRAYED"})
    void isNoticed(Mutant mutant) {
        breaks(mutant);
    }

    /** It needs 1.2 million worlds; {@link PromotionTest} notices it too. */
    @Test
    @Tag("soak")
    void isNoticedToReseedWhatHasStrayed() {
        breaks(Mutant.RESEEDS_STRAYED);
    }

    private static void breaks(Mutant mutant) {
        Setup setup = WHERE.get(mutant);
        String by = explores(setup.broken(mutant));
        System.out.printf("%-32s %s%n", mutant, by.isEmpty() ? "SURVIVES" : by);
        assertThat(by).as("nothing noticed " + mutant).isNotEmpty();
    }

    private static String explores(Setup setup) {
        assertThat(Setups.small()).contains(setup.broken(Mutant.NONE));
        Explorer.Result result = new Explorer(setup, MOST_STATES).run();
        return result.violation().isEmpty()
                ? ""
                : "%,d states, %d steps: %s"
                        .formatted(result.states(), result.trace().size(), result.violation());
    }
}
