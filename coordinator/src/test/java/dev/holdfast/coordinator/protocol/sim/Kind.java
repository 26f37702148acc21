package dev.holdfast.coordinator.protocol.sim;

/** What can happen next in a world. */
enum Kind {
    /** A node takes office and raises the epoch. */
    ELECT,
    /** A leader learns that it was replaced. */
    DEPOSE,
    /** A leader in office loses its connection to the store and steps back. */
    SUSPEND,
    BEGIN,
    LEADER_VIEW,
    /** A leader's write reaches the store, which answers. */
    LAND,
    LEADER_ANSWER,
    /** A leader's write gets no answer; it may still land. */
    UNKNOWN_LATE,
    UNKNOWN_LOST,
    ORPHAN_LAND,
    ORPHAN_LOST,
    LEADER_TIMER,
    ABORT_REQUEST,
    /** A person takes the record of a decided round away. */
    RECORD_TAKEN,
    /** A person has a round concluded whose record is gone. */
    CONCLUDE,
    VIEW,
    FREEZE,
    FROZEN,
    VOID,
    PHASE,
    PHASE_FAILS,
    ANSWER,
    JOURNAL,
    JOURNAL_FAILS,
    THAW,
    TIMER,
    WRITE_LANDS,
    WRITE_LOST,
    STORE_BACK,
    GIVE_UP,
    NO_RECORD,
    /** A member learns that its round has no record any more, and what the catalogue says. */
    RECORD_GONE,
    CRASH,
    RESTART,
    EXPIRE,
    GUARD_FIRES,
    GUARD_DIES,
    USER_RESUMES,
    FENCE,
    PAUSE,
    WAKE,
    CLOG,
    UNCLOG;

    private static final Kind[] ALL = values();

    /** One thing that happens: a kind and up to three small numbers. */
    int move(int a, int b, int c) {
        return ordinal() << 24 | a << 16 | b << 8 | c;
    }

    static Kind of(int move) {
        return ALL[move >>> 24];
    }

    static int a(int move) {
        return move >> 16 & 255;
    }

    static int b(int move) {
        return move >> 8 & 255;
    }

    static int c(int move) {
        return move & 255;
    }
}
