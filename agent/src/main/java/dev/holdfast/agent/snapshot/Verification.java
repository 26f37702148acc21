package dev.holdfast.agent.snapshot;

import dev.holdfast.coordinator.protocol.Name;
import java.util.List;

/**
 * What a verification found. Immutable.
 *
 * @param snapshot what was looked at
 * @param problems what is wrong, for people, each naming a file; empty if the snapshot is good
 * @param bytes how much was read
 */
public record Verification(Name snapshot, List<String> problems, long bytes) {

    /** Copies the list. */
    public Verification {
        problems = List.copyOf(problems);
    }

    /** Whether nothing is wrong. */
    public boolean isGood() {
        return problems.isEmpty();
    }
}
