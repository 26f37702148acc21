package dev.holdfast.agent.control;

/** How a command ends: the one table of exit codes. */
public enum ExitCode {
    /** Done. */
    OK(0),
    /** Failed on the way; what was begun was undone, or {@code fsck} is asked for separately. */
    FAILED(1),
    /** The command line or the request is wrong. */
    USAGE(2),
    /** A check said no before anything was touched. */
    REFUSED(3),
    /** A bound was passed; everything was undone. */
    TIMED_OUT(4),
    /** The store of decisions cannot be reached. */
    STORE_UNREACHABLE(5),
    /** Something is left over that a person has to look at with {@code holdfast fsck}. */
    NEEDS_FSCK(6),
    /** Nobody can tell whether it was done; look before you repeat it. */
    UNKNOWN_OUTCOME(7);

    private final int number;

    ExitCode(int number) {
        this.number = number;
    }

    /** What the process returns. */
    public int number() {
        return number;
    }

    /** The code of a number; {@link #FAILED} for numbers of no code, which a newer agent might send. */
    public static ExitCode of(long number) {
        for (ExitCode code : values()) {
            if (code.number == number) {
                return code;
            }
        }
        return FAILED;
    }
}
