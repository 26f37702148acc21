package dev.holdfast.coordinator.protocol;

/**
 * Identifies one attempt at a checkpoint or a revert, unique for ever within a cluster. Immutable.
 *
 * @param value a text that would be valid as a {@link Name}
 */
public record RoundId(String value) implements Comparable<RoundId> {

    /** @throws IllegalArgumentException if the text could not be a file or znode name */
    public RoundId {
        new Name(value);
    }

    @Override
    public int compareTo(RoundId other) {
        return value.compareTo(other.value);
    }

    @Override
    public String toString() {
        return value;
    }
}
