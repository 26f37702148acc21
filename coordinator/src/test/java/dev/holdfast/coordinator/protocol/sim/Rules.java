package dev.holdfast.coordinator.protocol.sim;

import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect;
import dev.holdfast.coordinator.protocol.sim.World.Node;
import dev.holdfast.coordinator.protocol.sim.World.Seat;
import dev.holdfast.coordinator.protocol.sim.World.Slot;
import java.util.Objects;

/** The invariants, judged by what is true in the world, never by what a machine claims. */
final class Rules {

    private Rules() {}

    /** What is wrong with a world at any moment; empty if nothing. Also keeps the ghost of I2 up to date. */
    static String check(World world) {
        for (int r = 0; r < world.rounds.length; r++) {
            String wrong = round(world, r);
            if (!wrong.isEmpty()) {
                return wrong;
            }
        }
        for (int n = 0; n < world.nodes.length; n++) {
            Node node = world.nodes[n];
            if (node.head != node.newest) {
                return "I9: the head of n" + n + " names generation " + node.head + ", but the newest is "
                        + node.newest;
            }
            String bound = node.frozenBy == 0 ? "" : bound(world, n, node);
            if (!bound.isEmpty()) {
                return bound;
            }
        }
        return "";
    }

    /** While a machine stands still, something on its own node must be about to end that: the store may be far away. */
    private static String bound(World world, int n, Node node) {
        Seat seat = Objects.requireNonNull(world.seats[node.frozenBy - 1][n]);
        if (revert(world, node.frozenBy - 1) && (seat.journal == World.VOTED || seat.journal == World.UNREADABLE)) {
            return "";
        }
        if (node.guard && node.armedFor != node.frozenBy) {
            return "I1: n" + n + " stands still, and its guard, which lives, is not armed";
        }
        boolean guarded = node.guard && world.setup.mutant() != Mutant.DEADLINE_IGNORED;
        boolean timed = (seat.timers >> ParticipantEffect.Timer.DEADLINE.ordinal() & 1) != 0;
        // VOTED may be on the disk from the moment it is written: then only the decision ends the hold of a revert.
        boolean bound = revert(world, node.frozenBy - 1) && seat.part == World.PARTIAL && seat.side == 1;
        boolean underWay = bound || seat.thawing || seat.phases != 0 || seat.answers != 0 || seat.journal == 0;
        if (!guarded && node.up && !timed && !underWay) {
            return "I1: n" + n + " stands still without a guard, and its agent, which lives, has no deadline for it";
        }
        return "";
    }

    private static boolean revert(World world, int round) {
        return world.setup.rounds().get(round).kind() == RoundKind.REVERT;
    }

    private static String round(World world, int r) {
        Slot slot = world.rounds[r];
        if (slot.state == World.CLOSED && !slot.taken) {
            for (int n = 0; n < world.nodes.length; n++) {
                Seat seat = world.seats[r][n];
                if (seat != null && seat.journal != 0 && !seat.restored) {
                    return "I3: r" + r + " is closed, but the journal of n" + n + " still has its entry";
                }
            }
        }
        if (slot.isThere() && !slot.taken) {
            for (int n = 0; n < world.nodes.length; n++) {
                if (world.seats[r][n] != null && world.claims[n] != r + 1) {
                    return "I5: r" + r + " is open, but n" + n + " is claimed by r" + (world.claims[n] - 1);
                }
            }
        }
        return revert(world, r) ? revertRound(world, r) : checkpointRound(world, r);
    }

    private static String checkpointRound(World world, int r) {
        Slot slot = world.rounds[r];
        watchStillness(world, r, slot);
        if (slot.decided != World.COMMITTED) {
            return "";
        }
        for (int n = 0; n < world.nodes.length; n++) {
            Seat seat = world.seats[r][n];
            if (seat == null) {
                continue;
            }
            if (seat.part < World.DURABLE) {
                return "I3: r" + r + " is committed, but the part of n" + n + " is not there";
            }
            int window = slot.still >> 2 * n & 3;
            if (window == 0) {
                return "I2: r" + r + " is committed, but its members never stood still together";
            }
            if (seat.captured != window) {
                return "I2: r" + r + " is committed, but n" + n + " was captured outside of the common instant";
            }
        }
        return "";
    }

    private static void watchStillness(World world, int r, Slot slot) {
        if (slot.still != 0 || slot.state == World.CLOSED) {
            return;
        }
        int windows = 0;
        for (int n = 0; n < world.nodes.length; n++) {
            Seat seat = world.seats[r][n];
            if (seat == null) {
                continue;
            }
            if (seat.window != World.WINDOW_OPEN) {
                return;
            }
            windows |= seat.windowNumber << 2 * n;
        }
        slot.still = windows;
    }

    private static String revertRound(World world, int r) {
        Slot slot = world.rounds[r];
        int reverted = 0;
        int old = 0;
        for (int n = 0; n < world.nodes.length; n++) {
            Seat seat = world.seats[r][n];
            if (seat == null || slot.state == World.CLOSED) {
                continue;
            }
            if (seat.side == 2) {
                reverted++;
            } else if (world.nodes[n].running && !seat.meddled) {
                old++;
            }
        }
        if (reverted > 0 && slot.decided != World.COMMITTED) {
            return "revert: a member runs its new side, but nothing was decided, or ABORTED";
        }
        if (reverted > 0 && old > 0) {
            return "revert: members run, and talk, in different timelines";
        }
        return "";
    }

    /** What is wrong with a world in which nothing can happen any more without a fault; empty if nothing. */
    static String checkEnd(World world) {
        for (int n = 0; n < world.nodes.length; n++) {
            Node node = world.nodes[n];
            if (node.here && !node.running && !isLeftInDoubt(world, node.frozenBy - 1, n)) {
                return "I1: n" + n + " stands still, and nothing will ever let it run";
            }
            if (node.armedFor != 0) {
                return "left over: the guard of n" + n + " is armed";
            }
            if (world.claims[n] != 0) {
                return "left over: n" + n + " is claimed by r" + (world.claims[n] - 1);
            }
        }
        for (int r = 0; r < world.rounds.length; r++) {
            Slot slot = world.rounds[r];
            if (slot.isThere()) {
                return "stuck: r" + r + (slot.state == World.OPEN ? " was never decided" : " was never closed");
            }
            for (int n = 0; n < world.nodes.length; n++) {
                Seat seat = world.seats[r][n];
                String wrong =
                        seat == null || isLeftInDoubt(world, r, n) ? "" : seatAtEnd(slot, seat, revert(world, r));
                if (!wrong.isEmpty()) {
                    return wrong + ": n" + n + " in r" + r;
                }
            }
        }
        return "";
    }

    /** Without a record nobody can tell it how a round ended that is not in the catalogue: it keeps what it has, held or not. */
    private static boolean isLeftInDoubt(World world, int r, int n) {
        Seat seat = r < 0 ? null : world.seats[r][n];
        if (seat != null && seat.journal == World.UNREADABLE && (world.rounds[r].taken || seat.restored)) {
            return true; // Nobody but a person can say which round it was of.
        }
        return seat != null
                && world.rounds[r].taken
                && (seat.journal == World.VOTED
                        || seat.journal == World.INTENT) // That it is bound may not be in its journal.
                && seat.writing == 0
                && Hands.waits(seat, revert(world, r))
                && (revert(world, r) || world.rounds[r].decided != World.COMMITTED);
    }

    private static String seatAtEnd(Slot slot, Seat seat, boolean revert) {
        if (seat.journal != 0 || seat.writing != 0) {
            return "stuck: a member is in doubt for ever";
        }
        boolean committed = slot.decided == World.COMMITTED;
        if (revert) {
            return seat.side == (committed ? 2 : 0) ? "" : "revert: the wrong side is left";
        }
        return seat.part == (committed ? World.PUBLISHED : 0) ? "" : "I3: the part is not what the decision says";
    }
}
