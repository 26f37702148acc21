package dev.holdfast.agent.snapshot;

/** What is to become of a change that somebody left under way in a chain. */
public enum Fate {
    /** It was nobody's but this node's own and was cut off, or its round is aborted: it is taken back. */
    TAKE_BACK,
    /** Its round is committed: it is finished. */
    MAKE_TRUE,
    /** Its round is not decided, or the decision cannot be read now: its intent and its files stay as they are. */
    KEEP;

    /** Whoever knows what becomes of an operation. May ask the store, but must not wait long for it. */
    public interface Teller {
        /** @param operation a round's id, or an id of the agent's own */
        Fate of(String operation);
    }
}
