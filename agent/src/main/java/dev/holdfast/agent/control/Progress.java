package dev.holdfast.agent.control;

/** Told how a command gets on. Any thread; never blocks: when the caller does not read, reports are lost. */
public interface Progress {

    /** A phase has been reached or has ended; one line for the user. */
    void phase(String phase, String text);

    /**
     * How far a long phase has come.
     *
     * @param done at most {@code total}
     * @param total in bytes, more than zero
     */
    void bytes(String phase, long done, long total);

    /** For callers who are not interested. */
    Progress NONE = new Progress() {
        @Override
        public void phase(String phase, String text) {}

        @Override
        public void bytes(String phase, long done, long total) {}
    };
}
