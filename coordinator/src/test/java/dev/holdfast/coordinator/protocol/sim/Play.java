package dev.holdfast.coordinator.protocol.sim;

import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.leader.LeaderEffect;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect;
import dev.holdfast.coordinator.protocol.sim.Setup.Fault;
import dev.holdfast.coordinator.protocol.sim.World.Node;
import dev.holdfast.coordinator.protocol.sim.World.Reign;
import dev.holdfast.coordinator.protocol.sim.World.Seat;
import java.util.Objects;

/** Makes one move happen in a world, by asking the real machines and carrying out what they say. */
final class Play {

    /** A crash that takes the journal with it. */
    static final int JOURNAL_LOST = 2;

    /** A crash that leaves of the journal what nobody can read. */
    static final int JOURNAL_DAMAGED = 3;

    /** A crash after which somebody puts an old entry back; the entry is added. */
    static final int JOURNAL_RESTORED = 4;

    /** No crash in the middle. */
    static final int WHOLE = -1;

    private static final ParticipantEffect.Timer[] TIMERS = ParticipantEffect.Timer.values();
    private static final LeaderEffect.Timer[] LEADER_TIMERS = LeaderEffect.Timer.values();

    private final Machines machines;
    private World world;

    /** What went wrong in the last move; empty if nothing. */
    String violation = "";
    /** How many effects the last move had. */
    int effects;

    private int crashAfter;
    private boolean crashed;

    Play(Machines machines, World world) {
        this.machines = machines;
        this.world = world;
    }

    void world(World other) {
        world = other;
    }

    World world() {
        return world;
    }

    /**
     * Makes a move.
     *
     * @param limit the node dies after so many effects; {@link #WHOLE} if it does not
     */
    void make(int move, int limit) {
        Kind kind = Kind.of(move);
        boolean early = kind == Kind.LEADER_TIMER || kind == Kind.TIMER || kind == Kind.EXPIRE;
        if (early && world.may(Fault.TIME)) {
            world.spend(Fault.TIME);
        }
        violation = "";
        effects = 0;
        crashAfter = limit;
        crashed = false;
        happen(Kind.of(move), Kind.a(move), Kind.b(move), Kind.c(move));
        if (violation.isEmpty()) {
            new Tidy(world, machines).tidy();
            violation = Rules.check(world);
        }
    }

    private void happen(Kind kind, int a, int b, int c) {
        switch (kind) {
            case ELECT -> new Offices(this, machines).elect(a, c != 0);
            case DEPOSE -> new Offices(this, machines).depose(a);
            case SUSPEND -> {
                world.spend(Fault.ELECTION);
                new Offices(this, machines).depose(a);
            }
            case BEGIN -> new Offices(this, machines).begin(a, b);
            case LEADER_VIEW -> new Offices(this, machines).leaderView(a, b);
            case LAND -> new Offices(this, machines).land(a, b);
            case LEADER_ANSWER -> new Offices(this, machines).leaderAnswer(a, b);
            case UNKNOWN_LATE, UNKNOWN_LOST -> new Offices(this, machines).unknown(a, b, kind == Kind.UNKNOWN_LATE);
            case ORPHAN_LAND, ORPHAN_LOST -> new Offices(this, machines).orphan(a, kind == Kind.ORPHAN_LAND);
            case LEADER_TIMER -> {
                world.reigns[a].timers[b] &= ~(1 << c);
                new Offices(this, machines).leader(a, b, machines.timer(LEADER_TIMERS[c]));
            }
            case ABORT_REQUEST -> {
                world.spend(Fault.GIVE_UP);
                new Offices(this, machines).leader(a, b, machines.abortRequested);
            }
            case RECORD_TAKEN -> {
                world.spend(Fault.RECORD);
                world.rounds[b].taken = true;
                Store.remove(world, b);
            }
            case CONCLUDE -> {
                world.spend(Fault.CONCLUDE);
                new Conclusion(world, machines).write(b, c);
            }
            case CLOG -> world.clogged |= 1 << a;
            case UNCLOG -> world.clogged &= ~(1 << a);
            default -> happenOnNode(kind, a, b, c);
        }
    }

    private void happenOnNode(Kind kind, int a, int b, int c) {
        switch (kind) {
            case CRASH -> {
                world.spend(c >= JOURNAL_RESTORED ? Fault.RESTORE : c >= JOURNAL_LOST ? Fault.JOURNAL : Fault.CRASH);
                crash(a, c != 0);
                if (c == JOURNAL_LOST) {
                    loseJournal(a);
                } else if (c == JOURNAL_DAMAGED) {
                    damageJournal(a);
                } else if (c > JOURNAL_RESTORED) {
                    seat(b, a).journal = c - JOURNAL_RESTORED;
                    seat(b, a).restored = true;
                }
            }
            case RESTART -> restart(a);
            case PAUSE -> world.nodes[a].paused = true;
            case WAKE -> world.nodes[a].paused = false;
            case EXPIRE -> world.nodes[a].expired = true;
            case GUARD_FIRES -> guardFires(a);
            case GUARD_DIES -> {
                world.spend(Fault.GUARD);
                world.nodes[a].guard = false;
                world.nodes[a].armedFor = 0;
            }
            case USER_RESUMES -> userResumes(a);
            case FENCE -> fence(a);
            case FREEZE -> freeze(a, b, c);
            case FROZEN, VOID -> message(kind, a, b, c & 15, c >> 4);
            default -> happenAtSeat(kind, a, b, c);
        }
    }

    private Seat seat(int round, int node) {
        return Objects.requireNonNull(world.seats[round][node]);
    }

    private void happenAtSeat(Kind kind, int n, int r, int c) {
        Seat seat = seat(r, n);
        switch (kind) {
            case VIEW -> {
                machines.see(world, n, r);
                for (int event : machines.participantNews(n, seat.state, r, world.rounds[r])) {
                    participant(n, r, event);
                }
            }
            case PHASE -> phase(n, r, seat);
            case PHASE_FAILS -> {
                if (c != 2) {
                    world.spend(Fault.PHASE);
                }
                new Hands(world, r, n).failPhase(c == 1);
            }
            case ANSWER -> answer(n, r, seat);
            case JOURNAL -> journal(n, r, seat);
            case JOURNAL_FAILS -> {
                world.spend(Fault.PHASE);
                settle(seat, c != 0);
                participant(n, r, machines.journalFailed);
            }
            case THAW -> {
                seat.thawing = false;
                new Hands(world, r, n).letRun();
            }
            case TIMER -> {
                seat.timers &= ~(1 << c);
                participant(n, r, machines.timer(TIMERS[c]));
            }
            case WRITE_LANDS -> writeLands(n, r, seat, c);
            case WRITE_LOST -> {
                world.spend(Fault.STORE);
                seat.writes &= ~c;
                seat.storeBack = true;
            }
            case STORE_BACK -> {
                seat.storeBack = false;
                participant(n, r, machines.storeBack);
            }
            case GIVE_UP -> {
                world.spend(Fault.GIVE_UP);
                participant(n, r, machines.giveUp);
            }
            case NO_RECORD -> {
                world.spend(Fault.STORE);
                participant(n, r, machines.decisionRead(r, world.rounds[r].epoch, Decision.ABORTED));
            }
            case RECORD_GONE -> participant(n, r, machines.recordGone(c != 0));
            default -> throw new AssertionError(kind);
        }
    }

    private void participant(int n, int r, int event) {
        if (crashed) {
            return;
        }
        Seat seat = seat(r, n);
        Machines.Answer<ParticipantEffect> answer = machines.participantStep(n, seat.state, event);
        if (!answer.bug().isEmpty()) {
            violation = "n" + n + ", r" + r + ": " + answer.bug();
            return;
        }
        if (answer.rejected()) {
            return;
        }
        seat.state = answer.next();
        Hands hands = new Hands(world, r, n);
        for (ParticipantEffect effect : answer.effects()) {
            if (diesNow(n)) {
                return;
            }
            effect.accept(hands);
        }
        diesNow(n);
    }

    boolean crashed() {
        return crashed;
    }

    /** Whether the node dies before the next effect. */
    boolean diesNow(int n) {
        if (crashAfter == effects && !crashed) {
            crashed = true;
            crash(n, false);
        }
        effects++;
        return crashed;
    }

    /** @param kept whether a journal write under way reached the disk */
    private void crash(int n, boolean kept) {
        Node node = world.nodes[n];
        node.up = false;
        node.paused = false;
        node.eof = node.armedFor != 0;
        for (int r = 0; r < world.rounds.length; r++) {
            Seat seat = world.seats[r][n];
            world.seen[r][n] = 0;
            if (seat != null) {
                settle(seat, kept);
                seat.state = 0;
                seat.phases = 0;
                seat.answers = 0;
                seat.timers = 0;
                seat.thawing = false;
                seat.storeBack = false;
            }
        }
        for (Reign reign : world.reigns) {
            if (reign.node == n && reign.alive) {
                new Offices(this, machines).endReign(reign);
            }
        }
    }

    /** A write that was not answered is there for whoever looks, or is not; a loss of power may still take it away. */
    private static void settle(Seat seat, boolean kept) {
        if (cannotBeWritten(seat)) {
            seat.writing = 0;
            return;
        }
        if (kept && seat.writing != 0) {
            seat.fallback = seat.fallback == 0 ? seat.journal + 1 : seat.fallback;
            seat.journal = seat.writing == World.REMOVE ? 0 : seat.writing;
        } else if (!kept && seat.writing == 0 && seat.fallback != 0) {
            seat.journal = seat.fallback - 1;
            seat.fallback = 0;
        }
        seat.writing = 0;
    }

    /** Whatever it held stands still for nobody any more, and its next life lets it run. */
    private void loseJournal(int n) {
        for (int r = 0; r < world.rounds.length; r++) {
            Seat seat = world.seats[r][n];
            if (seat != null) {
                seat.journal = 0;
                seat.fallback = 0;
                if (world.nodes[n].frozenBy == r + 1) {
                    seat.meddled = true;
                    new Hands(world, r, n).letRun();
                }
            }
        }
    }

    private void damageJournal(int n) {
        for (Seat[] seats : world.seats) {
            if (seats[n] != null && seats[n].journal != 0) {
                seats[n].journal = World.UNREADABLE;
                seats[n].fallback = 0;
            }
        }
    }

    /** Only removing an entry that nobody can read is possible. */
    static boolean cannotBeWritten(Seat seat) {
        return seat.journal == World.UNREADABLE && seat.writing != 0 && seat.writing != World.REMOVE;
    }

    private void restart(int n) {
        world.nodes[n].up = true;
        letRunWhatIsLeft(n);
        for (int r = 0; r < world.rounds.length; r++) {
            Seat seat = world.seats[r][n];
            if (seat != null && world.setup.mutant() != Mutant.RECOVERY_TRUSTS_UNFLUSHED) {
                // The journal's contract: what it shows after a start was flushed before.
                seat.fallback = 0;
            }
            if (seat != null && seat.journal != 0 && seat.journal != World.UNREADABLE && !crashed) {
                participant(n, r, machines.recovered(r, world.rounds[r].epoch, n, seat.journal == World.VOTED));
            }
        }
    }

    /** An agent that starts lets every machine run that was left frozen, guard or not; one that is held for a decision stays. */
    private void letRunWhatIsLeft(int n) {
        Node node = world.nodes[n];
        if (node.frozenBy == 0 || world.setup.mutant() == Mutant.RECOVERY_FORGETS_TO_THAW) {
            return;
        }
        int round = node.frozenBy - 1;
        boolean revert = world.setup.rounds().get(round).kind() == RoundKind.REVERT;
        int journal = seat(round, n).journal;
        boolean held = revert && (journal == World.VOTED || journal == World.UNREADABLE) && node.armedFor == 0;
        if (!held) {
            new Hands(world, round, n).letRun();
        }
    }

    private void guardFires(int n) {
        Node node = world.nodes[n];
        int round = node.armedFor - 1;
        node.fired = true;
        new Hands(world, round, n).letRun();
    }

    private void userResumes(int n) {
        world.spend(Fault.USER);
        Node node = world.nodes[n];
        int round = node.frozenBy - 1;
        int armed = node.armedFor;
        boolean expired = node.expired;
        boolean eof = node.eof;
        seat(round, n).meddled = armed == 0;
        new Hands(world, round, n).letRun();
        node.armedFor = armed;
        node.expired = expired;
        node.eof = eof;
    }

    private void fence(int n) {
        world.spend(Fault.FENCE);
        crash(n, false);
        Node node = world.nodes[n];
        if (node.frozenBy != 0) {
            new Hands(world, node.frozenBy - 1, n).letRun();
        }
        node.here = false;
        node.armedFor = 0;
        node.eof = false;
        node.expired = false;
    }

    private void freeze(int n, int r, int how) {
        if (how != 1) {
            world.freezes[r] &= ~(1 << n);
        }
        if (how == 0 || how == 1) {
            deliver(n, r, machines.freezeHeard, how);
        } else {
            world.spend(Fault.DROP);
        }
    }

    private void message(Kind kind, int from, int r, int to, int how) {
        if (how != 1) {
            long gone = ~world.bit(from, to);
            world.frozens[r] &= kind == Kind.FROZEN ? gone : -1;
            world.voids[r] &= kind == Kind.VOID ? gone : -1;
        }
        if (how == 0 || how == 1) {
            deliver(to, r, kind == Kind.FROZEN ? machines.frozenHeard(from) : machines.voidHeard(from), how);
        } else {
            world.spend(Fault.DROP);
        }
    }

    /** A node that does not know the round, or is down, drops the message. */
    private void deliver(int n, int r, int event, int how) {
        if (how == 1) {
            world.spend(Fault.DUPLICATE);
        }
        if (world.nodes[n].up && seat(r, n).state != 0) {
            participant(n, r, event);
        }
    }

    private void phase(int n, int r, Seat seat) {
        int phase = (int) (seat.phases & 15);
        new Hands(world, r, n).runPhase();
        boolean uninteresting = phase == Hands.PREPARE
                || phase == Hands.DRAIN
                || phase == Hands.LOAD
                || phase == Hands.CARRY_COMMITTED
                || phase == Hands.CARRY_ABORTED;
        if (world.setup.coarse() && uninteresting && (seat.answers & ~15L) == 0) {
            answer(n, r, seat);
        }
    }

    private void answer(int n, int r, Seat seat) {
        int code = (int) (seat.answers & 15);
        seat.answers >>>= 4;
        participant(n, r, event(n, code));
    }

    private int event(int n, int code) {
        return switch (code) {
            case Hands.PREPARED -> machines.prepared;
            case Hands.FAILED -> machines.phaseFailed;
            case Hands.VMS_FROZEN -> machines.vmsFrozen;
            case Hands.CAPTURED -> machines.captured;
            case Hands.THAW_PROVEN -> machines.thawProven;
            case Hands.THAW_RAN -> machines.thawRan;
            case Hands.THAW_LATE -> machines.thawLate;
            case Hands.DRAINED -> machines.drained(n);
            case Hands.LOADED -> machines.loaded(n);
            case Hands.RELEASED -> machines.released;
            case Hands.RELEASED_FIRED -> machines.releasedFired;
            case Hands.CARRIED -> machines.carriedOut;
            case Hands.NOTHING_WAITS -> machines.nothingWaits;
            default -> throw new AssertionError(code);
        };
    }

    private void journal(int n, int r, Seat seat) {
        if (cannotBeWritten(seat)) {
            seat.writing = 0;
            participant(n, r, machines.entryUnreadable);
            return;
        }
        boolean removed = seat.writing == World.REMOVE;
        if (!removed && world.setup.budgets().get(Fault.RESTORE.ordinal()) > 0) {
            seat.backup = seat.writing;
        }
        settle(seat, true);
        seat.fallback = 0;
        participant(n, r, removed ? machines.journalClosed : machines.journaled);
    }

    private void writeLands(int n, int r, Seat seat, int what) {
        seat.writes &= ~what;
        World.Slot slot = world.rounds[r];
        if (!slot.isThere()) {
            return;
        }
        int bit = 1 << n;
        boolean voted = ((slot.durable | slot.no) & bit) != 0;
        switch (what) {
            case World.SAY_READY -> slot.ready |= bit;
            case World.VOTE_DURABLE -> slot.durable |= voted ? 0 : bit;
            case World.VOTE_NO -> slot.no |= voted ? 0 : bit;
            case World.ACKNOWLEDGE -> slot.acknowledged |= bit;
            default -> throw new AssertionError(what);
        }
    }
}
