package dev.holdfast.coordinator.protocol.sim;

import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.Timer;
import dev.holdfast.coordinator.protocol.participant.ParticipantState;
import dev.holdfast.coordinator.protocol.sim.World.Node;
import dev.holdfast.coordinator.protocol.sim.World.Seat;
import dev.holdfast.coordinator.protocol.sim.World.Slot;

/**
 * Takes out of a world what nothing will ever read again: messages nobody listens to, timers that would be rejected,
 * writes that can no longer land. Sound, because such a thing leads to no other world; and it makes equal what differs only
 * in rubbish.
 */
final class Tidy {

    private final World world;
    private final Machines machines;

    Tidy(World world, Machines machines) {
        this.world = world;
        this.machines = machines;
    }

    void tidy() {
        for (int r = 0; r < world.rounds.length; r++) {
            Slot slot = world.rounds[r];
            if (slot.state == World.CLOSED) {
                slot.ready = 0;
                slot.durable = 0;
                slot.no = 0;
                slot.acknowledged = 0;
                slot.version = 0;
            }
            for (int n = 0; n < world.nodes.length; n++) {
                Seat seat = world.seats[r][n];
                if (seat != null) {
                    seat(r, n, slot, seat);
                }
                if ((seat == null || seat.state == 0) && !isLed(r, n)) {
                    world.seen[r][n] = 0;
                }
            }
        }
        for (int write : world.orphans) {
            if (isDead(write)) {
                world.removeOrphan(write);
            }
        }
        for (Node node : world.nodes) {
            if (node.armedFor == 0) {
                node.expired = false;
                node.eof = false;
            }
        }
    }

    private boolean isLed(int r, int n) {
        for (World.Reign reign : world.reigns) {
            if (reign.alive && reign.node == n && reign.states[r] != 0) {
                return true;
            }
        }
        return false;
    }

    private boolean isDead(int write) {
        Slot slot = world.rounds[Store.round(write)];
        boolean anew = world.may(Setup.Fault.CONCLUDE); // Then the record may begin anew, and its version with it.
        if (slot.state == World.CLOSED && !anew) {
            return true;
        }
        boolean stale = Store.epoch(write) != world.epoch;
        return switch (Store.kind(write)) {
            case Store.CLOSE, Store.OPEN, Store.TOUCH -> stale || slot.state == World.CLOSED;
            default ->
                world.setup.mutant() != Mutant.DECISION_WITHOUT_EPOCH && stale
                        || world.setup.mutant() != Mutant.DECISION_WITHOUT_VERSION
                                && !anew
                                && (slot.state == World.CLOSED || slot.version > Store.version(write));
        };
    }

    private void seat(int r, int n, Slot slot, Seat seat) {
        ParticipantState state = machines.participant(n, seat.state);
        boolean deaf = !Mutation.listens(state) || seat.state == 0 && (seat.journal != 0 || slot.state > World.OPEN);
        if (deaf && !(world.setup.mutant() == Mutant.FREEZE_ACCEPTED_TWICE)) {
            world.freezes[r] &= ~(1 << n);
        }
        if (deaf || !world.nodes[n].up) {
            for (int from = 0; from < world.nodes.length; from++) {
                world.frozens[r] &= ~world.bit(from, n);
                world.voids[r] &= ~world.bit(from, n);
            }
        }
        for (Timer timer : Timer.values()) {
            int bit = 1 << timer.ordinal();
            if ((seat.timers & bit) != 0
                    && timer != Timer.RETRY
                    && machines.participantStep(n, seat.state, machines.timer(timer))
                            .rejected()) {
                seat.timers &= ~bit;
            }
        }
        if (!Mutation.retries(state)) {
            seat.timers &= ~(1 << Timer.RETRY.ordinal());
        }
        if (slot.state == World.CLOSED) {
            seat.writes = 0;
            seat.storeBack = false;
            seat.window = 0;
            if (state instanceof dev.holdfast.coordinator.protocol.participant.Over) {
                seat.state = 0;
            }
        }
    }
}
