package dev.holdfast.coordinator.protocol.sim;

import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.leader.LeaderEffect;
import dev.holdfast.coordinator.protocol.sim.World.Reign;
import dev.holdfast.coordinator.protocol.sim.World.Slot;

/**
 * The store: linearizable, writes land one at a time, at once or long after they were sent. Also starts a leader's effects,
 * which are nearly all writes to it.
 */
final class Store implements LeaderEffect.Visitor {

    static final int OPEN = 1;
    static final int COMMIT = 2;
    static final int ABORT = 3;
    static final int TOUCH = 4;
    static final int CLOSE = 5;

    private final World world;
    private final Machines machines;
    private final int reignNumber;
    private final int round;
    private final Reign reign;

    /** What was found wrong; empty if nothing. */
    String violation = "";

    Store(World world, Machines machines, int reign, int round) {
        this.world = world;
        this.machines = machines;
        this.reignNumber = reign;
        this.round = round;
        this.reign = world.reigns[reign];
    }

    /** A write as a number: what, the version it names, the writer's epoch, the round. */
    static int write(int kind, int version, int epoch, int round) {
        return kind | version << 3 | epoch << 9 | round << 13;
    }

    static int kind(int write) {
        return write & 7;
    }

    static int version(int write) {
        return write >> 3 & 63;
    }

    static int epoch(int write) {
        return write >> 9 & 15;
    }

    static int round(int write) {
        return write >> 13;
    }

    private void send(int kind, int version) {
        reign.writing[round] = write(kind, version, reignNumber + 1, round);
    }

    @Override
    public void open(LeaderEffect.Open effect) {
        send(OPEN, 0);
    }

    @Override
    public void writeDecision(LeaderEffect.WriteDecision effect) {
        send(effect.decision() == Decision.COMMITTED ? COMMIT : ABORT, effect.version());
    }

    @Override
    public void touch(LeaderEffect.Touch effect) {
        send(TOUCH, 0);
    }

    @Override
    public void close(LeaderEffect.Close effect) {
        world.addOrphan(write(CLOSE, 0, reignNumber + 1, round));
    }

    @Override
    public void tellFreeze(LeaderEffect.TellFreeze effect) {
        world.freezes[round] |= world.members(round);
    }

    @Override
    public void reply(LeaderEffect.Reply effect) {
        if (world.rounds[round].taken) {
            return; // It was told what the record said; a person had it concluded from what was made true.
        }
        int decided = world.rounds[round].decided;
        boolean wrong = switch (effect.outcome().kind()) {
            case COMMITTED -> decided != World.COMMITTED;
            case ABORTED -> decided == World.COMMITTED;
            case UNKNOWN -> false;
        };
        if (wrong) {
            violation = "the caller was told " + effect.outcome().kind() + ", which the store does not say";
        }
    }

    @Override
    public void startTimer(LeaderEffect.StartTimer effect) {
        reign.timers[round] |= 1 << effect.timer().ordinal();
    }

    /**
     * A write reaches the store.
     *
     * @return number of the event that answers it, 0 for none
     */
    static int land(World world, Machines machines, int write, StringBuilder violation) {
        Slot slot = world.rounds[round(write)];
        boolean stale = epoch(write) != world.epoch;
        return switch (kind(write)) {
            case OPEN -> open(world, machines, slot, write, stale);
            case TOUCH -> touch(machines, slot, stale);
            case CLOSE -> close(world, slot, write, stale);
            default -> decide(world, machines, slot, write, stale, violation);
        };
    }

    private static int open(World world, Machines machines, Slot slot, int write, boolean stale) {
        if (stale) {
            return machines.deposed;
        }
        int members = world.members(round(write));
        for (int n = 0; n < world.nodes.length; n++) {
            if ((members >> n & 1) != 0 && world.claims[n] != 0) {
                return machines.openRefused;
            }
        }
        if (slot.state != World.ABSENT) {
            return machines.openRefused;
        }
        for (int n = 0; n < world.nodes.length; n++) {
            if ((members >> n & 1) != 0) {
                world.claims[n] = round(write) + 1;
            }
        }
        slot.state = World.OPEN;
        slot.epoch = epoch(write);
        return machines.opened(slot.version);
    }

    private static int touch(Machines machines, Slot slot, boolean stale) {
        if (!slot.isThere()) {
            return machines.openRefused;
        }
        if (slot.state == World.OPEN) {
            if (stale) {
                return machines.deposed;
            }
            slot.version++;
        }
        return machines.recordIs(slot.state, slot.version);
    }

    private static int close(World world, Slot slot, int write, boolean stale) {
        boolean decided = slot.state == World.COMMITTED || slot.state == World.ABORTED;
        if (!stale && decided) {
            remove(world, round(write));
        }
        return 0;
    }

    /** Takes a round out of the store, with its claims. */
    static void remove(World world, int round) {
        world.rounds[round].state = World.CLOSED;
        for (int n = 0; n < world.nodes.length; n++) {
            if (world.claims[n] == round + 1 && world.setup.mutant() != Mutant.CLAIMS_NOT_RELEASED) {
                world.claims[n] = 0;
            }
        }
    }

    private static int decide(
            World world, Machines machines, Slot slot, int write, boolean stale, StringBuilder violation) {
        Mutant mutant = world.setup.mutant();
        if (stale && mutant != Mutant.DECISION_WITHOUT_EPOCH) {
            return machines.deposed;
        }
        if (!slot.isThere()) {
            return machines.openRefused;
        }
        boolean conflict = slot.version != version(write);
        if (conflict && mutant != Mutant.DECISION_WITHOUT_VERSION) {
            return machines.recordIs(slot.state, slot.version);
        }
        int decision = kind(write) == COMMIT ? World.COMMITTED : World.ABORTED;
        if (slot.decided != 0 && slot.decided != decision) {
            violation.append("I4: the round was decided twice, and differently");
        }
        if (stale) {
            violation.append("I4: decided by a leader whose epoch is over");
        }
        slot.state = decision;
        slot.version++;
        slot.decided = slot.decided == 0 ? decision : slot.decided;
        return machines.decisionWritten;
    }
}
