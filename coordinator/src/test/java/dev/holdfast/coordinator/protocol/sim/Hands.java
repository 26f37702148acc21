package dev.holdfast.coordinator.protocol.sim;

import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect;
import dev.holdfast.coordinator.protocol.sim.World.Node;
import dev.holdfast.coordinator.protocol.sim.World.Seat;

/**
 * Carries out a participant's effects: starts them, and later does to the machine what the phase asks for. Phases of one
 * round run one after the other; {@code thawNow} comes at any time, also before a phase that was started earlier.
 */
final class Hands implements ParticipantEffect.Visitor {

    static final int PREPARE = 1;
    static final int FREEZE = 2;
    static final int CAPTURE = 3;
    static final int PROVE = 4;
    static final int DRAIN = 5;
    static final int LOAD = 6;
    static final int RELEASE = 7;
    static final int CARRY_COMMITTED = 8;
    static final int CARRY_ABORTED = 9;
    static final int FORGET = 10;

    static final int PREPARED = 1;
    static final int FAILED = 2;
    static final int VMS_FROZEN = 3;
    static final int CAPTURED = 4;
    static final int THAW_PROVEN = 5;
    static final int THAW_RAN = 6;
    static final int THAW_LATE = 7;
    static final int DRAINED = 8;
    static final int LOADED = 9;
    static final int RELEASED = 10;
    static final int RELEASED_FIRED = 11;
    static final int CARRIED = 12;
    static final int NOTHING_WAITS = 13;

    private final World world;
    private final int round;
    private final int at;
    private final Node node;
    private final Seat seat;

    Hands(World world, int round, int node) {
        this.world = world;
        this.round = round;
        this.at = node;
        this.node = world.nodes[node];
        this.seat = java.util.Objects.requireNonNull(world.seats[round][node]);
    }

    private Mutant mutant() {
        return world.setup.mutant();
    }

    private boolean revert() {
        return world.setup.rounds().get(round).kind() == RoundKind.REVERT;
    }

    static long push(long queue, int code) {
        int shift = 0;
        while ((queue >>> shift) != 0) {
            shift += 4;
        }
        return queue | (long) code << shift;
    }

    private void start(int phase) {
        seat.phases = push(seat.phases, phase);
    }

    private void answer(int code) {
        seat.answers = push(seat.answers, code);
    }

    /** Runs the phase that was started first. */
    void runPhase() {
        int phase = (int) (seat.phases & 15);
        seat.phases >>>= 4;
        switch (phase) {
            case PREPARE -> prepareNow();
            case FREEZE -> freezeNow();
            case CAPTURE -> captureNow();
            case PROVE -> proveNow();
            case DRAIN -> {
                seat.part = World.DURABLE;
                answer(DRAINED);
            }
            case LOAD -> {
                seat.side = 1;
                answer(LOADED);
            }
            case RELEASE -> releaseNow();
            case CARRY_COMMITTED -> commitNow();
            case CARRY_ABORTED -> abortNow();
            case FORGET -> answer(waits(seat, revert()) ? FAILED : NOTHING_WAITS);
            default -> throw new AssertionError(phase);
        }
    }

    /** The phase that was started first fails. */
    void failPhase(boolean afterItsEffect) {
        if (afterItsEffect) {
            long before = seat.answers;
            runPhase();
            seat.answers = before;
        } else {
            seat.phases >>>= 4;
        }
        answer(FAILED);
    }

    private void prepareNow() {
        for (int r = 0; r < world.rounds.length; r++) {
            Seat other = world.seats[r][at];
            if (r != round && other != null && other.journal != 0) {
                answer(FAILED);
                return;
            }
        }
        seat.part = World.PARTIAL;
        answer(PREPARED);
    }

    private void freezeNow() {
        if (!node.guard || !node.here || !node.running) {
            answer(FAILED);
            return;
        }
        if (mutant() != Mutant.UNARMED_FREEZE) {
            node.armedFor = round + 1;
        }
        node.expired = false;
        node.eof = false;
        node.fired = false;
        node.running = false;
        node.frozenBy = round + 1;
        node.resumes = 0;
        seat.window = World.WINDOW_OPEN;
        seat.windowNumber = Math.min(3, seat.windowNumber + 1);
        answer(VMS_FROZEN);
    }

    private void captureNow() {
        if (!node.here) {
            answer(FAILED);
            return;
        }
        seat.captured = seat.window == World.WINDOW_OPEN ? seat.windowNumber : 0;
        node.head++;
        node.newest = node.head;
        answer(CAPTURED);
    }

    private void proveNow() {
        boolean stopped = node.frozenBy == round + 1 && node.resumes == 0;
        if (mutant() == Mutant.STILLNESS_ENDS_AT_CAPTURE && seat.captured != 0) {
            stopped = true;
        }
        boolean late = node.expired && mutant() != Mutant.DEADLINE_IGNORED;
        if (node.frozenBy == round + 1) {
            node.running = true;
            node.frozenBy = 0;
            seat.window = seat.window == World.WINDOW_OPEN ? World.WINDOW_CLOSED : seat.window;
        }
        disarm();
        answer(!stopped ? THAW_RAN : late ? THAW_LATE : THAW_PROVEN);
    }

    private void disarm() {
        if (node.armedFor == round + 1) {
            node.armedFor = 0;
            node.expired = false;
            node.eof = false;
        }
    }

    private void releaseNow() {
        boolean ran = node.fired || node.frozenBy != round + 1;
        disarm();
        answer(ran ? RELEASED_FIRED : RELEASED);
    }

    private void commitNow() {
        if (revert() && seat.side == 2) {
            answer(CARRIED);
            return;
        }
        if (revert()) {
            seat.side = 2;
            node.running = true;
            node.frozenBy = 0;
            node.head++;
            node.newest = node.head;
            disarm();
        } else if (seat.part == World.DURABLE) {
            seat.part = World.PUBLISHED;
        }
        answer(CARRIED);
    }

    /** Whether something on the disks waits for the decision. */
    static boolean waits(Seat seat, boolean revert) {
        return revert ? seat.side == 1 : seat.part == World.PARTIAL || seat.part == World.DURABLE;
    }

    private void abortNow() {
        if (seat.restored && !waits(seat, revert())) {
            // What is done was noted beside the layers, and is not there any more.
            answer(CARRIED);
            return;
        }
        boolean cut = seat.captured != 0 || seat.window != 0;
        if (mutant() == Mutant.ABORT_MOVES_HEAD_BACK && seat.captured != 0 && node.here
                || mutant() == Mutant.REPLAY_WITHOUT_VM && cut && !node.here) {
            node.head--;
        }
        seat.part = 0;
        if (revert()) {
            seat.side = 0;
            letRun();
        }
        answer(CARRIED);
    }

    /** Somebody lets the machine run. */
    void letRun() {
        if (node.frozenBy == round + 1) {
            node.running = true;
            node.frozenBy = 0;
            node.resumes = 1;
            if (seat.window == World.WINDOW_OPEN) {
                seat.window = World.WINDOW_BROKEN;
            }
        }
        disarm();
    }

    @Override
    public void writeJournal(ParticipantEffect.WriteJournal effect) {
        seat.writing = effect.entry().report().isPresent() ? World.VOTED : World.INTENT;
    }

    @Override
    public void closeJournal(ParticipantEffect.CloseJournal effect) {
        seat.writing = World.REMOVE;
    }

    @Override
    public void prepare(ParticipantEffect.Prepare effect) {
        start(PREPARE);
    }

    @Override
    public void freeze(ParticipantEffect.Freeze effect) {
        start(FREEZE);
    }

    @Override
    public void capture(ParticipantEffect.Capture effect) {
        start(CAPTURE);
    }

    @Override
    public void proveAndThaw(ParticipantEffect.ProveAndThaw effect) {
        start(PROVE);
    }

    @Override
    public void thawNow(ParticipantEffect.ThawNow effect) {
        seat.thawing = true;
    }

    @Override
    public void drain(ParticipantEffect.Drain effect) {
        start(DRAIN);
    }

    @Override
    public void loadBeside(ParticipantEffect.LoadBeside effect) {
        start(LOAD);
    }

    @Override
    public void releaseGuard(ParticipantEffect.ReleaseGuard effect) {
        start(RELEASE);
    }

    @Override
    public void carryOut(ParticipantEffect.CarryOut effect) {
        start(effect.decision() == Decision.COMMITTED ? CARRY_COMMITTED : CARRY_ABORTED);
    }

    @Override
    public void forget(ParticipantEffect.Forget effect) {
        start(FORGET);
    }

    @Override
    public void sayReady(ParticipantEffect.SayReady effect) {
        seat.writes |= World.SAY_READY;
    }

    @Override
    public void castVote(ParticipantEffect.CastVote effect) {
        seat.writes |= effect.vote().isDurable() ? World.VOTE_DURABLE : World.VOTE_NO;
    }

    @Override
    public void acknowledge(ParticipantEffect.Acknowledge effect) {
        seat.writes |= World.ACKNOWLEDGE;
    }

    @Override
    public void tellFrozen(ParticipantEffect.TellFrozen effect) {
        for (int other = 0; other < world.nodes.length; other++) {
            if (other != at && world.seats[round][other] != null) {
                world.frozens[round] |= world.bit(at, other);
            }
        }
    }

    @Override
    public void tellVoid(ParticipantEffect.TellVoid effect) {
        for (int other = 0; other < world.nodes.length; other++) {
            if (other != at && world.seats[round][other] != null) {
                world.voids[round] |= world.bit(at, other);
            }
        }
    }

    @Override
    public void startTimer(ParticipantEffect.StartTimer effect) {
        seat.timers |= 1 << effect.timer().ordinal();
    }
}
