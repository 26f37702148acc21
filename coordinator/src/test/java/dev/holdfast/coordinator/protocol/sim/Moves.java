package dev.holdfast.coordinator.protocol.sim;

import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.participant.GivenUp;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect;
import dev.holdfast.coordinator.protocol.participant.Voted;
import dev.holdfast.coordinator.protocol.sim.Setup.Fault;
import dev.holdfast.coordinator.protocol.sim.World.Node;
import dev.holdfast.coordinator.protocol.sim.World.Reign;
import dev.holdfast.coordinator.protocol.sim.World.Seat;
import dev.holdfast.coordinator.protocol.sim.World.Slot;
import java.util.Arrays;

/** What can happen in a world: by itself, by the passing of time, and by fault. */
final class Moves {

    private static final int[] WRITES = {World.SAY_READY, World.VOTE_DURABLE, World.VOTE_NO, World.ACKNOWLEDGE};

    /** A list of moves. */
    static final class Bag {
        int[] moves = new int[64];
        int size;

        void add(int move) {
            if (size == moves.length) {
                moves = Arrays.copyOf(moves, 2 * size);
            }
            moves[size++] = move;
        }
    }

    private final Machines machines;
    final Bag progress = new Bag();
    final Bag time = new Bag();
    final Bag faults = new Bag();
    private World world;
    private boolean quiet;

    Moves(Machines machines, World world) {
        this.machines = machines;
        this.world = world;
    }

    /**
     * Finds all moves of a world.
     *
     * @param withoutFaults only what comes by itself or by time
     */
    void find(World from, boolean withoutFaults) {
        world = from;
        quiet = withoutFaults;
        progress.size = 0;
        time.size = 0;
        faults.size = 0;
        offices();
        for (int l = 0; l < world.reigns.length; l++) {
            if (world.reigns[l].alive && !world.nodes[world.reigns[l].node].paused) {
                reign(l, world.reigns[l]);
            }
        }
        for (int i = 0; i < world.orphans.length; i++) {
            progress.add(Kind.ORPHAN_LAND.move(i, 0, 0));
            fault(Fault.STORE, Kind.ORPHAN_LOST.move(i, 0, 0));
        }
        for (int r = 0; r < world.rounds.length; r++) {
            messages(r);
            records(r);
            for (int n = 0; n < world.nodes.length; n++) {
                Seat seat = world.seats[r][n];
                if (seat != null) {
                    writes(n, r, seat);
                    if (acts(n)) {
                        seat(n, r, seat);
                    }
                }
            }
        }
        for (int n = 0; n < world.nodes.length; n++) {
            node(n, world.nodes[n]);
        }
        if (progress.size > 0 && !world.may(Fault.TIME)) {
            time.size = 0;
        }
    }

    private boolean acts(int n) {
        return world.nodes[n].up && !world.nodes[n].paused;
    }

    private boolean clogged(int n) {
        return (world.clogged >> n & 1) != 0;
    }

    private void fault(Fault kind, int move) {
        if (!quiet && world.may(kind)) {
            faults.add(move);
        }
    }

    private void offices() {
        if (world.epoch >= world.setup.reigns()) {
            return;
        }
        boolean held = world.epoch > 0 && world.reigns[world.epoch - 1].alive;
        boolean needed =
                Arrays.stream(world.rounds).anyMatch(slot -> slot.isThere() || !slot.begun) || world.orphans.length > 0;
        for (int i = 0; i < world.nodes.length; i++) {
            int n = (world.epoch + i) % world.nodes.length;
            boolean isHolder = held && world.reigns[world.epoch - 1].node == n;
            if (!acts(n) || isHolder || clogged(n)) {
                continue;
            }
            if (!held && needed) {
                progress.add(Kind.ELECT.move(n, 0, 0));
            } else if (held) {
                fault(Fault.ELECTION, Kind.ELECT.move(n, 0, 1));
            }
            if (world.setup.coarse()) {
                return;
            }
        }
    }

    private void reign(int l, Reign reign) {
        boolean current = l + 1 == world.epoch;
        if (!current && !clogged(reign.node)) {
            progress.add(Kind.DEPOSE.move(l, 0, 0));
        }
        if (current && world.epoch < world.setup.reigns()) {
            fault(Fault.ELECTION, Kind.SUSPEND.move(l, 0, 0));
        }
        for (int r = 0; r < world.rounds.length; r++) {
            Slot slot = world.rounds[r];
            if (!slot.begun && current) {
                progress.add(Kind.BEGIN.move(l, r, 0));
            }
            if (reign.writing[r] != 0) {
                if (!clogged(reign.node)) {
                    progress.add(Kind.LAND.move(l, r, 0));
                }
                fault(Fault.STORE, Kind.UNKNOWN_LATE.move(l, r, 0));
                fault(Fault.STORE, Kind.UNKNOWN_LOST.move(l, r, 0));
            }
            if (reign.answers[r] != 0) {
                progress.add(Kind.LEADER_ANSWER.move(l, r, 0));
            }
            for (int t = 0; t < 3; t++) {
                if ((reign.timers[r] >> t & 1) != 0) {
                    time.add(Kind.LEADER_TIMER.move(l, r, t));
                }
            }
            if (reign.states[r] != 0) {
                fault(Fault.GIVE_UP, Kind.ABORT_REQUEST.move(l, r, 0));
            }
            leaderView(l, reign, r, slot);
        }
    }

    private void leaderView(int l, Reign reign, int r, Slot slot) {
        if (!slot.isThere() || clogged(reign.node) || !machines.isNews(world, reign.node, r)) {
            return;
        }
        if (reign.states[r] == 0 && !mayFind(l, reign, r)) {
            return;
        }
        int[] news = machines.leaderNews(reign.states[r], r, slot);
        if (news.length > 0) {
            progress.add(Kind.LEADER_VIEW.move(l, r, 0));
        }
    }

    private boolean mayFind(int l, Reign reign, int r) {
        boolean closing = Arrays.binarySearch(world.orphans, Store.write(Store.CLOSE, 0, l + 1, r)) >= 0;
        boolean allowed = world.setup.mutant() != Mutant.FINDS_ROUNDS_ONLY_ON_ELECTION || (reign.found >> r & 1) != 0;
        return !closing && allowed;
    }

    /** Not from a member that does not know any more that it took part: what it has left is for {@code fsck} to find. */
    private void records(int r) {
        int state = world.rounds[r].state;
        boolean known = true;
        for (int n = 0; n < world.nodes.length; n++) {
            Seat seat = world.seats[r][n];
            boolean acknowledged = (world.rounds[r].acknowledged >> n & 1) != 0;
            known &= seat == null || acknowledged || seat.journal == World.INTENT || seat.journal == World.VOTED;
        }
        if (known && (state == World.COMMITTED || state == World.ABORTED)) {
            fault(Fault.RECORD, Kind.RECORD_TAKEN.move(0, r, 0));
        }
        int conclusion = world.may(Fault.CONCLUDE) ? new Conclusion(world, machines).of(r) : 0;
        if (conclusion != 0) {
            fault(Fault.CONCLUDE, Kind.CONCLUDE.move(0, r, conclusion));
        }
    }

    private void messages(int r) {
        for (int to = 0; to < world.nodes.length; to++) {
            if ((world.freezes[r] >> to & 1) != 0) {
                deliver(Kind.FREEZE, to, r, 0, to);
            }
        }
        for (long bits = world.frozens[r]; bits != 0; bits &= bits - 1) {
            int bit = Long.numberOfTrailingZeros(bits);
            pair(Kind.FROZEN, bit / world.nodes.length, r, bit % world.nodes.length);
        }
        for (long bits = world.voids[r]; bits != 0; bits &= bits - 1) {
            int bit = Long.numberOfTrailingZeros(bits);
            pair(Kind.VOID, bit / world.nodes.length, r, bit % world.nodes.length);
        }
    }

    private void pair(Kind kind, int from, int r, int to) {
        if (!clogged(from)) {
            deliver(kind, from, r, to, to);
        }
    }

    private void deliver(Kind kind, int a, int r, int low, int to) {
        if (!clogged(to) && !world.nodes[to].paused) {
            int shift = kind == Kind.FREEZE ? 0 : 4;
            progress.add(kind.move(a, r, low));
            fault(Fault.DUPLICATE, kind.move(a, r, low | 1 << shift));
            fault(Fault.DROP, kind.move(a, r, low | 2 << shift));
        }
    }

    private void writes(int n, int r, Seat seat) {
        for (int what : WRITES) {
            if ((seat.writes & what) != 0 && !clogged(n)) {
                progress.add(Kind.WRITE_LANDS.move(n, r, what));
                fault(Fault.STORE, Kind.WRITE_LOST.move(n, r, what));
            }
        }
    }

    private void seat(int n, int r, Seat seat) {
        Slot slot = world.rounds[r];
        if (slot.isThere() && !clogged(n) && hasNews(n, r, seat, slot)) {
            progress.add(Kind.VIEW.move(n, r, 0));
        }
        if (slot.state == World.CLOSED && !clogged(n) && seat.state != 0) {
            gone(n, r, seat, slot);
        }
        if (seat.phases != 0) {
            phases(n, r, seat);
        }
        if (seat.answers != 0) {
            progress.add(Kind.ANSWER.move(n, r, 0));
        }
        if (seat.writing != 0) {
            progress.add(Kind.JOURNAL.move(n, r, 0));
            if (!Play.cannotBeWritten(seat)) {
                fault(Fault.PHASE, Kind.JOURNAL_FAILS.move(n, r, 0));
                fault(Fault.PHASE, Kind.JOURNAL_FAILS.move(n, r, 1));
            }
        }
        if (seat.thawing) {
            progress.add(Kind.THAW.move(n, r, 0));
        }
        for (int t = 0; t < 3; t++) {
            if ((seat.timers >> t & 1) != 0) {
                time.add(Kind.TIMER.move(n, r, t));
            }
        }
        if (seat.storeBack && !clogged(n)) {
            progress.add(Kind.STORE_BACK.move(n, r, 0));
        }
        if (!machines.participantStep(n, seat.state, machines.giveUp).rejected()) {
            fault(Fault.GIVE_UP, Kind.GIVE_UP.move(n, r, 0));
        }
        if (world.setup.mutant() == Mutant.NO_RECORD_IS_ABORTED
                && seat.state != 0
                && machines.participant(n, seat.state) instanceof Voted) {
            fault(Fault.STORE, Kind.NO_RECORD.move(n, r, 0));
        }
    }

    /** Nobody asks twice what is answered, and asking disks that cannot say anything else changes nothing. */
    private void gone(int n, int r, Seat seat, Slot slot) {
        boolean revert = world.setup.rounds().get(r).kind() == RoundKind.REVERT;
        boolean committed = !revert && slot.decided == World.COMMITTED;
        Machines.Answer<ParticipantEffect> answer =
                machines.participantStep(n, seat.state, machines.recordGone(committed));
        boolean asks = answer.effects().stream().anyMatch(ParticipantEffect.Forget.class::isInstance);
        boolean nothing = asks
                ? seat.phases != 0 || seat.answers != 0 || Hands.waits(seat, revert)
                : answer.next() == seat.state && answer.bug().isEmpty();
        if (!answer.rejected() && !nothing) {
            progress.add(Kind.RECORD_GONE.move(n, r, committed ? 1 : 0));
        }
    }

    private boolean hasNews(int n, int r, Seat seat, Slot slot) {
        if (!machines.isNews(world, n, r)) {
            return false;
        }
        int[] news = machines.participantNews(n, seat.state, r, slot);
        if (news.length == 0) {
            return false;
        }
        Machines.Answer<?> answer = machines.participantStep(n, seat.state, news[0]);
        boolean again = answer.next() == seat.state && (seat.writes & World.ACKNOWLEDGE) != 0;
        boolean nothing = answer.next() == seat.state && answer.effects().isEmpty();
        return !answer.bug().isEmpty() || !answer.rejected() && !again && !nothing;
    }

    private void phases(int n, int r, Seat seat) {
        progress.add(Kind.PHASE.move(n, r, 0));
        int phase = (int) (seat.phases & 15);
        boolean cut = machines.participant(n, seat.state) instanceof GivenUp && phase != Hands.CARRY_ABORTED;
        if (cut && !quiet) {
            progress.add(Kind.PHASE_FAILS.move(n, r, 2));
        } else {
            fault(Fault.PHASE, Kind.PHASE_FAILS.move(n, r, 0));
            fault(Fault.PHASE, Kind.PHASE_FAILS.move(n, r, 1));
        }
    }

    private void node(int n, Node node) {
        boolean member = false;
        boolean revert = false;
        boolean writing = false;
        for (int r = 0; r < world.rounds.length; r++) {
            Seat seat = world.seats[r][n];
            member |= seat != null && (seat.state != 0 || seat.journal != 0) || isLeader(n);
            revert |= world.setup.rounds().get(r).kind() == RoundKind.REVERT;
            writing |= seat != null && (seat.writing != 0 || seat.fallback != 0);
        }
        if (!node.up) {
            progress.add(Kind.RESTART.move(n, 0, 0));
        } else if (member) {
            fault(Fault.CRASH, Kind.CRASH.move(n, 0, 0));
            if (writing) {
                fault(Fault.CRASH, Kind.CRASH.move(n, 0, 1));
            }
            if (hasEntry(n)) {
                fault(Fault.JOURNAL, Kind.CRASH.move(n, 0, Play.JOURNAL_DAMAGED));
            }
            if (mayLoseJournal(n)) {
                fault(Fault.JOURNAL, Kind.CRASH.move(n, 0, Play.JOURNAL_LOST));
            }
        }
        if (node.up) {
            restores(n);
        }
        if (node.armedFor != 0 && node.guard) {
            if (!node.expired && world.setup.mutant() != Mutant.DEADLINE_IGNORED) {
                time.add(Kind.EXPIRE.move(n, 0, 0));
            }
            if (node.expired || node.eof) {
                progress.add(Kind.GUARD_FIRES.move(n, 0, 0));
            }
            fault(Fault.GUARD, Kind.GUARD_DIES.move(n, 0, 0));
        }
        if (node.frozenBy != 0) {
            fault(Fault.USER, Kind.USER_RESUMES.move(n, 0, 0));
        }
        if (node.up && node.here && member && !revert) {
            fault(Fault.FENCE, Kind.FENCE.move(n, 0, 0));
        }
    }

    /** What a backup has is of use to nobody while the round is under way: then the node has gone back, and all bets are off. */
    private void restores(int n) {
        for (int r = 0; r < world.rounds.length; r++) {
            Seat seat = world.seats[r][n];
            boolean over = seat != null && world.rounds[r].state == World.CLOSED && seat.journal == 0;
            for (int entry = World.INTENT; over && entry <= seat.backup; entry++) {
                fault(Fault.RESTORE, Kind.CRASH.move(n, r, Play.JOURNAL_RESTORED + entry));
            }
        }
    }

    private boolean hasEntry(int n) {
        return Arrays.stream(world.seats)
                .anyMatch(seats -> seats[n] != null && (seats[n].journal != 0 || seats[n].writing != 0));
    }

    private boolean mayLoseJournal(int n) {
        boolean entries = false;
        for (int r = 0; r < world.rounds.length; r++) {
            Seat seat = world.seats[r][n];
            if (seat != null && (seat.journal != 0 || seat.writing != 0)) {
                if (world.rounds[r].state == World.OPEN || world.rounds[r].taken) {
                    return false;
                }
                entries = true;
            }
        }
        return entries;
    }

    private boolean isLeader(int n) {
        return Arrays.stream(world.reigns).anyMatch(reign -> reign.alive && reign.node == n);
    }
}
