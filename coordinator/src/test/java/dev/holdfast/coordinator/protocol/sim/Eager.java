package dev.holdfast.coordinator.protocol.sim;

import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.leader.Decided;
import dev.holdfast.coordinator.protocol.participant.Binding;
import dev.holdfast.coordinator.protocol.participant.GivenUp;
import dev.holdfast.coordinator.protocol.participant.Idle;
import dev.holdfast.coordinator.protocol.participant.ParticipantState;
import dev.holdfast.coordinator.protocol.participant.Voted;
import dev.holdfast.coordinator.protocol.sim.Setup.Fault;
import dev.holdfast.coordinator.protocol.sim.World.Seat;
import dev.holdfast.coordinator.protocol.sim.World.Slot;
import java.util.Objects;

/**
 * Partial-order reduction for the checker. Some moves touch nothing but their own node, or a record that nobody else
 * writes: whether they come now or later, the same worlds follow. Where one of them is possible it is enough to follow it,
 * and the faults that could hit it on its own node, instead of every order of it with everything else.
 */
final class Eager {

    private final Machines machines;

    Eager(Machines machines) {
        this.machines = machines;
    }

    /** A move that may come first; -1 if there is none. */
    int choose(World world, Moves.Bag progress) {
        for (int i = 0; i < progress.size; i++) {
            if (independent(world, progress.moves[i])) {
                return progress.moves[i];
            }
        }
        return -1;
    }

    /** Whether a fault can hit the chosen move. */
    static boolean concerns(int fault, int chosen) {
        Kind kind = Kind.of(fault);
        boolean onNode = Kind.of(chosen).compareTo(Kind.VIEW) >= 0;
        return switch (kind) {
            case CRASH, FENCE -> onNode && Kind.a(fault) == Kind.a(chosen);
            case PHASE_FAILS, JOURNAL_FAILS, GIVE_UP ->
                onNode && Kind.a(fault) == Kind.a(chosen) && Kind.b(fault) == Kind.b(chosen);
            case RECORD_TAKEN, CONCLUDE -> true;
            case WRITE_LOST -> Kind.of(chosen) == Kind.WRITE_LANDS && (fault & 0xFFFFFF) == (chosen & 0xFFFFFF);
            default -> false;
        };
    }

    private boolean independent(World world, int move) {
        int a = Kind.a(move);
        int b = Kind.b(move);
        return switch (Kind.of(move)) {
            case JOURNAL, STORE_BACK -> true;
            case PHASE -> phase(world, b, seat(world, b, a));
            case THAW -> thaw(world, a, b);
            case WRITE_LANDS ->
                Kind.c(move) == World.SAY_READY
                        || Kind.c(move) == World.ACKNOWLEDGE
                        || world.setup.budgets().get(Fault.PHASE.ordinal()) == 0;
            case VIEW -> view(world, a, b);
            case LEADER_VIEW -> leaderView(world, a, b);
            case ORPHAN_LAND -> Store.kind(world.orphans[a]) == Store.CLOSE;
            default -> false;
        };
    }

    private static Seat seat(World world, int round, int node) {
        return Objects.requireNonNull(world.seats[round][node]);
    }

    private static boolean checkpoint(World world, int round) {
        return world.setup.rounds().get(round).kind() == RoundKind.CHECKPOINT;
    }

    private static boolean phase(World world, int round, Seat seat) {
        int phase = (int) (seat.phases & 15);
        return phase == Hands.PREPARE
                || checkpoint(world, round) && (phase == Hands.CARRY_ABORTED || phase == Hands.CARRY_COMMITTED);
    }

    /** A thaw of what stands still matters; one that finds nothing to do does not. */
    private static boolean thaw(World world, int n, int r) {
        Seat seat = seat(world, r, n);
        for (long phases = seat.phases; phases != 0; phases >>>= 4) {
            if ((phases & 15) == Hands.FREEZE) {
                return false;
            }
        }
        return world.nodes[n].frozenBy != r + 1 && world.nodes[n].armedFor != r + 1;
    }

    private boolean view(World world, int n, int r) {
        Slot slot = world.rounds[r];
        if (!checkpoint(world, r) || slot.state == World.OPEN) {
            return false;
        }
        ParticipantState state = machines.participant(n, seat(world, r, n).state);
        return state instanceof GivenUp || state instanceof Idle || state instanceof Voted || state instanceof Binding;
    }

    private boolean leaderView(World world, int l, int r) {
        int state = world.reigns[l].states[r];
        if (l + 1 != world.epoch) {
            return false;
        }
        return state == 0 ? world.rounds[r].state != World.OPEN : machines.leader(state) instanceof Decided;
    }
}
