package dev.holdfast.coordinator.protocol.sim;

import dev.holdfast.coordinator.protocol.sim.World.Node;
import dev.holdfast.coordinator.protocol.sim.World.Reign;
import dev.holdfast.coordinator.protocol.sim.World.Seat;
import dev.holdfast.coordinator.protocol.sim.World.Slot;

/** A 128-bit fingerprint of a world. Two of ten million worlds share one with probability below 2^-80. */
final class Key {

    long high;
    long low;

    private void add(long value) {
        high = mix(high ^ value) + 0x9E3779B97F4A7C15L;
        low = mix(low + value * 0xD6E8FEB86659FD93L) ^ high;
    }

    private static long mix(long z) {
        long a = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        long b = (a ^ (a >>> 27)) * 0x94D049BB133111EBL;
        return b ^ (b >>> 31);
    }

    void of(World world) {
        high = 1;
        low = 2;
        add(world.epoch | (long) world.clogged << 8 | (long) world.orphans.length << 32);
        for (int orphan : world.orphans) {
            add(orphan);
        }
        for (int budget : world.budgets) {
            add(budget);
        }
        for (int r = 0; r < world.rounds.length; r++) {
            slot(world.rounds[r]);
            for (long seen : world.seen[r]) {
                add(seen);
            }
            add(world.freezes[r]);
            add(world.frozens[r]);
            add(world.voids[r]);
            for (Seat seat : world.seats[r]) {
                if (seat != null) {
                    seat(seat);
                }
            }
        }
        for (int n = 0; n < world.nodes.length; n++) {
            node(world.nodes[n], world.claims[n]);
        }
        add(world.reigns.length);
        for (Reign reign : world.reigns) {
            reign(reign);
        }
    }

    private void slot(Slot slot) {
        add((slot.begun ? 1 : 0)
                | (long) slot.epoch << 1
                | (long) slot.state << 5
                | (long) slot.version << 8
                | (long) slot.ready << 16
                | (long) slot.durable << 24
                | (long) slot.no << 32
                | (long) slot.acknowledged << 40
                | (long) slot.decided << 48
                | (slot.taken ? 1L << 52 : 0));
        add(slot.still);
    }

    private void seat(Seat seat) {
        add(seat.state | (long) seat.timers << 32 | (long) seat.writes << 40);
        add(seat.phases);
        add(seat.answers);
        add(seat.journal
                | seat.writing << 2
                | (seat.thawing ? 1 << 4 : 0)
                | (seat.storeBack ? 1 << 5 : 0)
                | seat.window << 6
                | seat.windowNumber << 8
                | seat.captured << 12
                | seat.part << 16
                | seat.side << 18
                | (seat.meddled ? 1 << 20 : 0)
                | seat.fallback << 21
                | seat.backup << 24
                | (seat.restored ? 1 << 26 : 0));
    }

    private void node(Node node, int claim) {
        add((node.up ? 1 : 0)
                | (node.paused ? 2 : 0)
                | (node.running ? 4 : 0)
                | (node.guard ? 8 : 0)
                | (node.expired ? 16 : 0)
                | (node.eof ? 32 : 0)
                | (node.fired ? 64 : 0)
                | (node.here ? 128 : 0)
                | (long) node.frozenBy << 8
                | (long) node.resumes << 12
                | (long) node.armedFor << 16
                | (long) claim << 20
                | (long) node.head << 24
                | (long) node.newest << 32);
    }

    private void reign(Reign reign) {
        add(reign.node | (reign.alive ? 16 : 0) | (reign.deposed ? 32 : 0) | (long) reign.found << 8);
        for (int r = 0; r < reign.states.length; r++) {
            add(reign.states[r] | (long) reign.writing[r] << 32);
            add(reign.answers[r] | (long) reign.timers[r] << 32);
        }
    }
}
