package dev.holdfast.coordinator.protocol.sim;

/** Moves in words. */
final class Trace {

    private static final String[] HOW = {"", " (and comes again)", " is lost"};
    private static final String[] TIMERS = {"PREPARE", "DEADLINE", "RETRY"};
    private static final String[] LEADER_TIMERS = {"PREPARE", "DRAIN", "RETRY"};

    private Trace() {}

    static String line(int move, int limit) {
        return line(move) + (limit == Play.WHOLE ? "" : " -- AND DIES after " + limit + " effects");
    }

    static String line(int move) {
        Kind kind = Kind.of(move);
        int a = Kind.a(move);
        int b = Kind.b(move);
        int c = Kind.c(move);
        return switch (kind) {
            case ELECT -> "n" + a + " takes office" + (c != 0 ? " although the leader lives" : "");
            case DEPOSE, SUSPEND -> "leader " + (a + 1) + " learns that its reign is over (" + kind + ")";
            case BEGIN -> "leader " + (a + 1) + " begins r" + b;
            case LEADER_VIEW -> "leader " + (a + 1) + " looks at r" + b;
            case LAND -> "store: the write of leader " + (a + 1) + " for r" + b + " lands";
            case LEADER_ANSWER -> "leader " + (a + 1) + " gets its answer for r" + b;
            case UNKNOWN_LATE, UNKNOWN_LOST -> "leader " + (a + 1) + " gets no answer for r" + b + " (" + kind + ")";
            case ORPHAN_LAND, ORPHAN_LOST ->
                "store: late write " + a + " " + (kind == Kind.ORPHAN_LAND ? "lands" : "is lost");
            case LEADER_TIMER -> "leader " + (a + 1) + ": timer " + LEADER_TIMERS[c] + " of r" + b;
            case ABORT_REQUEST -> "a person asks leader " + (a + 1) + " to abort r" + b;
            case RECORD_TAKEN -> "a person takes the record of r" + b + " away";
            case CONCLUDE -> "a person has r" + b + " concluded: " + (c == World.COMMITTED ? "COMMITTED" : "ABORTED");
            case FREEZE -> "n" + a + " hears FREEZE of r" + b + HOW[c];
            case FROZEN, VOID -> "n" + (c & 15) + " hears " + kind + "(n" + a + ") of r" + b + HOW[c >> 4];
            case TIMER -> "n" + a + ": timer " + TIMERS[c] + " of r" + b;
            case WRITE_LANDS -> "store: " + write(c) + " of n" + a + " for r" + b + " lands";
            case WRITE_LOST -> "store: " + write(c) + " of n" + a + " for r" + b + " is lost";
            case CRASH ->
                "n" + a + " DIES"
                        + (c == Play.JOURNAL_LOST
                                ? " and loses its journal"
                                : c > Play.JOURNAL_RESTORED
                                        ? ", and its entry of r" + b + " is put back"
                                        : c != 0 ? ", what it wrote is on the disk" : "");
            case JOURNAL_FAILS ->
                "n" + a + ": journal of r" + b + " fails, but the write is " + (c != 0 ? "there" : "lost");
            case PHASE_FAILS -> "n" + a + ": phase of r" + b + " fails" + (c == 1 ? " after its effect" : "");
            case RESTART, EXPIRE, GUARD_FIRES, GUARD_DIES, USER_RESUMES, FENCE, PAUSE, WAKE, CLOG, UNCLOG ->
                "n" + a + ": " + kind;
            case VIEW, PHASE, ANSWER, JOURNAL, THAW, STORE_BACK, GIVE_UP, NO_RECORD, RECORD_GONE ->
                "n" + a + ": " + kind + " of r" + b;
        };
    }

    private static String write(int what) {
        return switch (what) {
            case World.SAY_READY -> "READY";
            case World.VOTE_DURABLE -> "vote DURABLE";
            case World.VOTE_NO -> "vote NO";
            default -> "acknowledgement";
        };
    }
}
