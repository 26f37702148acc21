package dev.holdfast.coordinator.protocol;

/**
 * Why a round, or a member's part of it, did not come about. Immutable.
 *
 * @param kind what kind of reason it is; decides the exit code of the command line
 * @param text what happened, why, and what to do, for the user
 */
public record Refusal(Kind kind, String text) {

    /** Kinds of reasons, each with a meaning for the caller. */
    public enum Kind {
        /** A check made before anything was touched said no. */
        PREFLIGHT,
        /** Another operation holds a member, or the name is taken. */
        BUSY,
        /** A bound was passed; everything was undone. */
        TIMED_OUT,
        /** Something broke on the way; everything was undone. */
        FAILED,
        /** Somebody asked for it: a person, or pacemaker stopping a member. */
        CANCELLED,
        /** The store could not be reached. */
        STORE_UNREACHABLE
    }

    /** A failure on the way. */
    public static Refusal failed(String text) {
        return new Refusal(Kind.FAILED, text);
    }

    /** A bound that was passed. */
    public static Refusal timedOut(String text) {
        return new Refusal(Kind.TIMED_OUT, text);
    }

    /** A check that said no before anything was touched. */
    public static Refusal preflight(String text) {
        return new Refusal(Kind.PREFLIGHT, text);
    }

    @Override
    public String toString() {
        return kind + ": " + text;
    }
}
