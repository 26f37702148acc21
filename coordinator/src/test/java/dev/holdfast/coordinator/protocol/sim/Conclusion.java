package dev.holdfast.coordinator.protocol.sim;

import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.participant.ParticipantState;
import dev.holdfast.coordinator.protocol.participant.Voted;
import dev.holdfast.coordinator.protocol.sim.World.Seat;
import dev.holdfast.coordinator.protocol.sim.World.Slot;
import java.util.Arrays;
import java.util.Optional;

/** What a person has concluded of a round whose record is gone, by the rules of {@code fsck}. */
final class Conclusion {

    private final World world;
    private final Machines machines;

    Conclusion(World world, Machines machines) {
        this.world = world;
        this.machines = machines;
    }

    /** What can be concluded; 0 if nothing, or if nobody waits for it. */
    int of(int r) {
        Slot slot = world.rounds[r];
        boolean revert = world.setup.rounds().get(r).kind() == RoundKind.REVERT;
        boolean known = !revert && slot.decided == World.COMMITTED; // The catalogue says so, to everybody.
        if (slot.state != World.CLOSED || !slot.taken || known || world.epoch + 1 >= world.setup.reigns()) {
            return 0;
        }
        boolean waits = false;
        boolean all = true;
        boolean proof = false;
        boolean givenUp = false;
        for (int n = 0; n < world.nodes.length; n++) {
            Seat seat = world.seats[r][n];
            if (seat == null) {
                continue;
            }
            if (!world.nodes[n].up || world.nodes[n].paused || seat.journal == World.UNREADABLE) {
                all &= world.setup.mutant() == Mutant.CONCLUDES_WITHOUT_ALL;
                continue;
            }
            ParticipantState state = machines.participant(n, seat.state);
            Optional<Decision> makesTrue =
                    world.setup.mutant() == Mutant.CONCLUDES_BY_JOURNAL ? Optional.empty() : state.makesTrue();
            waits |= state instanceof Voted;
            givenUp |= seat.journal == World.INTENT;
            proof |= (revert ? seat.side == 2 : seat.part == World.PUBLISHED)
                    || makesTrue.equals(Optional.of(Decision.COMMITTED));
            all &= makesTrue.isEmpty();
        }
        if (!waits || proof && givenUp || !proof && !all) {
            return 0;
        }
        return proof ? World.COMMITTED : World.ABORTED;
    }

    /** A new record with the decision, whose version begins anew. */
    void write(int r, int decision) {
        world.rounds[r].state = decision;
        world.rounds[r].decided = decision;
        if (world.setup.mutant() != Mutant.CONCLUDES_WITHOUT_EPOCH) {
            world.epoch++;
            world.reigns = Arrays.copyOf(world.reigns, world.epoch);
            world.reigns[world.epoch - 1] = new World.Reign(0, world.rounds.length);
            world.reigns[world.epoch - 1].alive = false;
        }
    }
}
