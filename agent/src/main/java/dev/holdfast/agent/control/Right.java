package dev.holdfast.agent.control;

import java.util.Locale;

/** What a caller of the control socket may do; each right has those before it in it. */
public enum Right {
    /** Looks at the state of machines, groups, and the cluster. */
    STATUS,
    /** Starts, stops, freezes, reverts and deletes. */
    ADMINISTRATION,
    /** Has the agent open files that the request names, which it does as root. */
    ROOT;

    /** Whether who has this one has that one, too. */
    public boolean covers(Right other) {
        return compareTo(other) >= 0;
    }

    /** As the refusal names it. */
    String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
