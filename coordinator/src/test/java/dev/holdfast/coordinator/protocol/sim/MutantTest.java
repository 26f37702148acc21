package dev.holdfast.coordinator.protocol.sim;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.sim.Setup.Fault;
import java.util.EnumMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Breaks the protocol on purpose: the walks or the checker must notice each way, and must not cry wolf without one. */
final class MutantTest {

    private static final int WALKS = 2_000;
    private static final int STATES = 2_000_000;

    /** Mutants that need a coincidence: where the checker finds them. All others are found by the walks. */
    private static final Map<Mutant, Setup> CHECKED = new EnumMap<>(Map.ofEntries(
            Map.entry(Mutant.STILLNESS_ENDS_AT_CAPTURE, checkpoint(2).with(Fault.USER, 1)),
            Map.entry(
                    Mutant.DECISION_WITHOUT_VERSION,
                    checkpoint(1).with(Fault.STORE, 1).with(Fault.GIVE_UP, 1).with(Fault.TIME, 1)),
            Map.entry(Mutant.FROZEN_COUNTED_TWICE, checkpoint(3).with(Fault.DUPLICATE, 1)),
            Map.entry(
                    Mutant.BINDING_GIVES_UP, checkpoint(2).with(Fault.PHASE, 1).with(Fault.CRASH, 1)),
            Map.entry(Mutant.RECOVERY_TRUSTS_UNFLUSHED, checkpoint(1).with(Fault.CRASH, 2)),
            Map.entry(
                    Mutant.UNREADABLE_GIVES_UP,
                    Setup.of(1, Setup.all(RoundKind.CHECKPOINT, 1)).with(Fault.JOURNAL, 1)),
            Map.entry(
                    Mutant.LATE_FREEZE_UNNOTICED,
                    checkpoint(2).with(Fault.GUARD, 1).with(Fault.GIVE_UP, 1)),
            Map.entry(
                    Mutant.RECOVERY_FORGETS_TO_THAW,
                    checkpoint(2).with(Fault.GUARD, 1).with(Fault.CRASH, 1)),
            Map.entry(
                    Mutant.VOID_DOES_NOT_THAW,
                    checkpoint(2).with(Fault.GUARD, 1).with(Fault.GIVE_UP, 1)),
            Map.entry(Mutant.ACKNOWLEDGES_BEFORE_JOURNAL_CLOSED, checkpoint(2).with(Fault.CRASH, 1)),
            Map.entry(Mutant.ACKNOWLEDGES_WITHOUT_CARRYING_OUT, checkpoint(2).with(Fault.JOURNAL, 1)),
            Map.entry(
                    Mutant.FORGETS_WITHOUT_LOOKING,
                    checkpoint(2).with(Fault.RECORD, 1).with(Fault.GIVE_UP, 1)),
            Map.entry(Mutant.CATALOGUE_NOT_ASKED, checkpoint(2).with(Fault.RECORD, 1)),
            Map.entry(Mutant.GONE_IS_ABORTED, checkpoint(2).with(Fault.RECORD, 1)),
            Map.entry(Mutant.CONCLUDES_BY_JOURNAL, concluded()),
            Map.entry(Mutant.CONCLUDED_IS_NOT_LATER, concluded()),
            Map.entry(Mutant.CONCLUDES_WITHOUT_ALL, concluded().with(Fault.CRASH, 1)),
            Map.entry(
                    Mutant.CONCLUDES_WITHOUT_EPOCH,
                    concluded().with(Fault.STORE, 1).with(Fault.TIME, 1))));

    private static Setup concluded() {
        return Setup.of(2, Setup.all(RoundKind.REVERT, 2))
                .merged()
                .with(Fault.RECORD, 1)
                .with(Fault.CONCLUDE, 1);
    }

    private static Setup checkpoint(int nodes) {
        return Setup.of(nodes, Setup.all(RoundKind.CHECKPOINT, nodes)).merged();
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void isNoticed(Mutant mutant) {
        Setup setup = CHECKED.get(mutant);
        String by = setup == null ? walks(mutant) : check(mutant, setup);
        System.out.printf("%-36s %s%n", mutant, by.isEmpty() ? "SURVIVES" : by);
        assertThat(by).as("nothing noticed the mutant " + mutant).isNotEmpty();
    }

    private static String walks(Mutant mutant) {
        for (int seed = 1; seed <= WALKS; seed++) {
            String violation = new Walk(seed, mutant).run().violation;
            if (!violation.isEmpty()) {
                return "seed %d: %s".formatted(seed, violation);
            }
        }
        return "";
    }

    private static String check(Mutant mutant, Setup setup) {
        Checker checker = new Checker(setup.broken(mutant), STATES);
        boolean comesToRest = mutant != Mutant.DECISION_WITHOUT_VERSION;
        Checker.Result result =
                comesToRest ? checker.run() : checker.safetyOnly().run();
        return result.violation().isEmpty()
                ? ""
                : "%d steps, %s: %s".formatted(result.trace().size(), ModelCheckTest.name(setup), result.violation());
    }

    @Test
    void theProtocolItselfSurvivesTheSame() {
        assertThat(walks(Mutant.NONE)).isEmpty();
        CHECKED.values().forEach(setup -> assertThat(check(Mutant.NONE, setup)).isEmpty());
    }
}
