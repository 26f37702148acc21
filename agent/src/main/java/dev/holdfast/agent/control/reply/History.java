package dev.holdfast.agent.control.reply;

import java.util.List;

/**
 * The answer to {@code cluster.history}.
 *
 * @param entries newest first
 */
public record History(List<Entry> entries) {

    /** Copies the list. */
    public History {
        entries = List.copyOf(entries);
    }

    /**
     * What happened.
     *
     * @param at by the leader's wall clock, ISO 8601
     * @param kind {@code checkpoint}, {@code revert}, {@code delete}, ...
     * @param group the group
     * @param checkpoint the checkpoint
     * @param round the round, or empty
     * @param outcome {@code committed} or {@code aborted}
     * @param reason why it was aborted, or empty
     */
    public record Entry(
            String at, String kind, String group, String checkpoint, String round, String outcome, String reason) {}
}
