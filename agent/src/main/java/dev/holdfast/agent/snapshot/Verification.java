package dev.holdfast.agent.snapshot;

import dev.holdfast.coordinator.protocol.Name;
import java.util.List;

/**
 * What a verification found. Immutable.
 *
 * @param snapshot what was looked at
 * @param problems what is wrong, for people, each naming a file; empty if the snapshot is good
 * @param unread what was looked at by its size alone, or not at all, for people, each naming a file; no damage
 * @param unreadable what could not be proven because its key is not on this node, for people, each naming a file; no damage
 * @param bytes how much was read
 */
public record Verification(
        Name snapshot, List<String> problems, List<String> unread, List<String> unreadable, long bytes) {

    /** Copies the lists. */
    public Verification {
        problems = List.copyOf(problems);
        unread = List.copyOf(unread);
        unreadable = List.copyOf(unreadable);
    }

    /** Whether nothing is wrong with all that can be looked at. */
    public boolean isGood() {
        return problems.isEmpty() && unreadable.isEmpty();
    }
}
