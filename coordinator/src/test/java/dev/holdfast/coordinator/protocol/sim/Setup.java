package dev.holdfast.coordinator.protocol.sim;

import dev.holdfast.coordinator.protocol.RoundKind;
import java.util.Arrays;
import java.util.List;

/**
 * What a world consists of and what may go wrong in it. Immutable.
 *
 * @param nodes 1 to 7
 * @param rounds the rounds that callers ask for
 * @param budgets how often each kind of fault may happen, by {@link Fault}
 * @param reigns how many leaders there may be in all, at most 14
 * @param coarse merge steps between which nothing of interest can come: for the checker
 * @param mutant what is broken on purpose
 */
public record Setup(int nodes, List<Plan> rounds, List<Integer> budgets, int reigns, boolean coarse, Mutant mutant) {

    private static final int MOST_REIGNS = 14;

    /**
     * A round somebody will ask for.
     *
     * @param kind checkpoint or revert
     * @param members bit set of nodes
     */
    public record Plan(RoundKind kind, int members) {}

    /** Kinds of faults. */
    public enum Fault {
        /** An agent dies; what is volatile is lost. */
        CRASH,
        /** A leader is replaced although it lives. */
        ELECTION,
        /** A message is lost. */
        DROP,
        /** A message comes twice. */
        DUPLICATE,
        /** Somebody resumes a frozen machine behind our back. */
        USER,
        /** A guard dies. */
        GUARD,
        /** A phase of the snapshotter, or a journal write, fails. */
        PHASE,
        /** A write to the store is lost, or its outcome unknown. */
        STORE,
        /** Pacemaker or a person wants a member back, or the round aborted. */
        GIVE_UP,
        /** A machine is lost to another node: fenced, and started there. */
        FENCE,
        /** Time passes before everything that can happen has happened. When nothing else can happen it passes anyway. */
        TIME,
        /** A node dies and loses its journal. Not before its rounds are decided: what was voted rests on the journal. */
        JOURNAL,
        /** A node dies when its round is over, and somebody puts an old entry back into its journal. */
        RESTORE,
        /** A person takes the record of a decided round out of the store before all have acknowledged. */
        RECORD,
        /** A person has a round concluded whose record was taken away, from what the members say and what is on their disks. */
        CONCLUDE
    }

    public Setup {
        rounds = List.copyOf(rounds);
        budgets = List.copyOf(budgets);
    }

    /** A world without faults. */
    static Setup of(int nodes, Plan... rounds) {
        Integer[] none = new Integer[Fault.values().length];
        Arrays.fill(none, 0);
        return new Setup(nodes, List.of(rounds), List.of(none), 1, false, Mutant.NONE);
    }

    Setup with(Fault fault, int times) {
        Integer[] changed = budgets.toArray(Integer[]::new);
        changed[fault.ordinal()] = times;
        int more = switch (fault) {
            case ELECTION, CRASH, FENCE, JOURNAL, RESTORE -> times;
            case CONCLUDE -> 2 * times; // It ends a reign.
            default -> 0;
        };
        return new Setup(nodes, rounds, List.of(changed), Math.min(MOST_REIGNS, reigns + more), coarse, mutant);
    }

    Setup merged() {
        return new Setup(nodes, rounds, budgets, reigns, true, mutant);
    }

    Setup broken(Mutant by) {
        return new Setup(nodes, rounds, budgets, reigns, coarse, by);
    }

    /** A round among all nodes of a world. */
    static Plan all(RoundKind kind, int nodes) {
        return new Plan(kind, (1 << nodes) - 1);
    }
}
