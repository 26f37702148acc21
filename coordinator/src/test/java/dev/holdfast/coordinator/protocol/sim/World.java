package dev.holdfast.coordinator.protocol.sim;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The state of everything, real or pretended. Machines' states are numbers given out by {@link Machines}. Mutable; copied
 * before a step where the old one is still needed.
 */
final class World {

    /** What the store says of a round. */
    static final int ABSENT = 0;

    static final int OPEN = 1;
    static final int COMMITTED = 2;
    static final int ABORTED = 3;
    static final int CLOSED = 4;

    /** What the journal says of a round. */
    static final int INTENT = 1;

    static final int VOTED = 2;
    /** Only as a write that is pending. */
    static final int REMOVE = 3;
    /** What it says when nobody can read it. */
    static final int UNREADABLE = 3;

    /** A member's window of stillness. */
    static final int WINDOW_OPEN = 1;

    static final int WINDOW_BROKEN = 2;
    static final int WINDOW_CLOSED = 3;

    /** A member's part. */
    static final int PARTIAL = 1;

    static final int DURABLE = 2;
    static final int PUBLISHED = 3;

    /** Writes of a member that are on their way to the store. */
    static final int SAY_READY = 1;

    static final int VOTE_DURABLE = 2;
    static final int VOTE_NO = 4;
    static final int ACKNOWLEDGE = 8;

    /** A round in the store. */
    static final class Slot {
        boolean begun;
        int epoch;
        int state;
        int version;
        int ready;
        int durable;
        int no;
        int acknowledged;
        /** Ghost: the first decision. */
        int decided;
        /** Ghost: a person took the record away. */
        boolean taken;
        /** Ghost: the windows, a base-4 digit each, that were open at one instant. */
        int still;

        Slot copy() {
            Slot copy = new Slot();
            copy.begun = begun;
            copy.epoch = epoch;
            copy.state = state;
            copy.version = version;
            copy.ready = ready;
            copy.durable = durable;
            copy.no = no;
            copy.acknowledged = acknowledged;
            copy.decided = decided;
            copy.taken = taken;
            copy.still = still;
            return copy;
        }

        boolean isThere() {
            return state == OPEN || state == COMMITTED || state == ABORTED;
        }
    }

    /** A node with its one machine and its guard. */
    static final class Node {
        boolean up = true;
        boolean paused;
        boolean running = true;
        /** The round that stopped the machine, plus one. */
        int frozenBy;

        int resumes;
        boolean guard = true;
        /** The round the guard is armed for, plus one. */
        int armedFor;

        boolean expired;
        boolean eof;
        boolean fired;
        /** The machine is on this node, not lost to another. */
        boolean here = true;
        /** The generation that the head names, and the one that was last written. */
        int head;

        int newest;

        Node copy() {
            Node copy = new Node();
            copy.up = up;
            copy.paused = paused;
            copy.running = running;
            copy.frozenBy = frozenBy;
            copy.resumes = resumes;
            copy.guard = guard;
            copy.armedFor = armedFor;
            copy.expired = expired;
            copy.eof = eof;
            copy.fired = fired;
            copy.here = here;
            copy.head = head;
            copy.newest = newest;
            return copy;
        }
    }

    /** A node's place in a round. */
    static final class Seat {
        int state;
        int journal;
        int writing;
        /** Ghost: the last entry that a backup may have; 0 if none, or if nobody asks for backups. */
        int backup;
        /** Ghost: the entry was put back after the round was over. */
        boolean restored;
        /** What the journal says after a loss of power, plus one; 0 if the same. */
        int fallback;
        /** Phases that were started and not run, four bits each, first the lowest. */
        long phases;
        /** Answers of phases that were not delivered, four bits each. */
        long answers;

        int timers;
        boolean thawing;
        int writes;
        boolean storeBack;
        int window;
        int windowNumber;
        /** Ghost: the window in which the disks were cut; 0 if outside of one. */
        int captured;

        int part;
        /** Revert: 1 loaded beside, 2 runs. */
        int side;
        /** Ghost: a person has let a held machine run where nothing can notice. */
        boolean meddled;

        Seat copy() {
            Seat copy = new Seat();
            copy.state = state;
            copy.journal = journal;
            copy.writing = writing;
            copy.fallback = fallback;
            copy.backup = backup;
            copy.restored = restored;
            copy.phases = phases;
            copy.answers = answers;
            copy.timers = timers;
            copy.thawing = thawing;
            copy.writes = writes;
            copy.storeBack = storeBack;
            copy.window = window;
            copy.windowNumber = windowNumber;
            copy.captured = captured;
            copy.part = part;
            copy.side = side;
            copy.meddled = meddled;
            return copy;
        }
    }

    /** A leader, its epoch being its index plus one; several at once, all but one of them too late. */
    static final class Reign {
        final int node;
        boolean alive = true;
        boolean deposed;
        /** By round: the machine's state, 0 if there is none. */
        int[] states;
        /** By round: the write under way, 0 if none. */
        int[] writing;
        /** By round: the answer that was not delivered, plus one. */
        int[] answers;

        int[] timers;
        /** Rounds that were there on taking office; only a mutant cares. */
        int found;

        Reign(int node, int rounds) {
            this.node = node;
            states = new int[rounds];
            writing = new int[rounds];
            answers = new int[rounds];
            timers = new int[rounds];
        }

        Reign copy() {
            Reign copy = new Reign(node, 0);
            copy.alive = alive;
            copy.deposed = deposed;
            copy.states = states.clone();
            copy.writing = writing.clone();
            copy.answers = answers.clone();
            copy.timers = timers.clone();
            copy.found = found;
            return copy;
        }
    }

    final Setup setup;
    int epoch;
    Slot[] rounds;
    /** By round and node: the view that was seen last, while somebody there follows the round; 0 if none, or if nobody concludes. */
    long[][] seen;
    /** By node: the round that claims its machine, plus one. */
    int[] claims;

    Node[] nodes;

    @Nullable
    Seat[][] seats;

    Reign[] reigns = new Reign[0];
    /** Leaders' writes whose senders no longer wait, sorted. */
    int[] orphans = new int[0];
    /** By round: FREEZE on its way, a bit for each receiver. */
    int[] freezes;
    /** By round: FROZEN on its way, bit sender * nodes + receiver. */
    long[] frozens;

    long[] voids;
    int[] budgets;
    /** Nodes that are cut off for a while. */
    int clogged;

    private World(Setup setup) {
        this.setup = setup;
    }

    static World begin(Setup setup) {
        World world = new World(setup);
        int many = setup.rounds().size();
        world.rounds = new Slot[many];
        world.seen = new long[many][setup.nodes()];
        world.seats = new Seat[many][setup.nodes()];
        for (int r = 0; r < many; r++) {
            world.rounds[r] = new Slot();
            for (int n = 0; n < setup.nodes(); n++) {
                boolean member = (setup.rounds().get(r).members() >> n & 1) != 0;
                world.seats[r][n] = member ? new Seat() : null;
            }
        }
        world.nodes = new Node[setup.nodes()];
        Arrays.setAll(world.nodes, n -> new Node());
        world.claims = new int[setup.nodes()];
        world.freezes = new int[many];
        world.frozens = new long[many];
        world.voids = new long[many];
        world.budgets = setup.budgets().stream().mapToInt(Integer::intValue).toArray();
        return world;
    }

    World copy() {
        World copy = new World(setup);
        copy.epoch = epoch;
        copy.rounds = new Slot[rounds.length];
        copy.seats = new Seat[rounds.length][];
        for (int r = 0; r < rounds.length; r++) {
            copy.rounds[r] = rounds[r].copy();
            copy.seats[r] = new Seat[nodes.length];
            for (int n = 0; n < nodes.length; n++) {
                Seat seat = seats[r][n];
                copy.seats[r][n] = seat == null ? null : seat.copy();
            }
        }
        copy.nodes = new Node[nodes.length];
        for (int n = 0; n < nodes.length; n++) {
            copy.nodes[n] = nodes[n].copy();
        }
        copy.reigns = new Reign[reigns.length];
        for (int l = 0; l < reigns.length; l++) {
            copy.reigns[l] = reigns[l].copy();
        }
        copy.seen = new long[seen.length][];
        Arrays.setAll(copy.seen, r -> seen[r].clone());
        copy.claims = claims.clone();
        copy.orphans = orphans.clone();
        copy.freezes = freezes.clone();
        copy.frozens = frozens.clone();
        copy.voids = voids.clone();
        copy.budgets = budgets.clone();
        copy.clogged = clogged;
        return copy;
    }

    int members(int round) {
        return setup.rounds().get(round).members();
    }

    long bit(int from, int to) {
        return 1L << (from * nodes.length + to);
    }

    boolean may(Setup.Fault fault) {
        return budgets[fault.ordinal()] > 0;
    }

    void spend(Setup.Fault fault) {
        budgets[fault.ordinal()]--;
    }

    void addOrphan(int write) {
        if (Arrays.binarySearch(orphans, write) < 0) {
            orphans = Arrays.copyOf(orphans, orphans.length + 1);
            orphans[orphans.length - 1] = write;
            Arrays.sort(orphans);
        }
    }

    void removeOrphan(int write) {
        orphans = Arrays.stream(orphans).filter(other -> other != write).toArray();
    }
}
