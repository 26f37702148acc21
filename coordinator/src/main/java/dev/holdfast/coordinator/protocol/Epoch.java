package dev.holdfast.coordinator.protocol;

/**
 * The number of a coordinator's reign: the version of one persistent znode, raised by compare-and-set on taking office.
 *
 * @param value 0 before the first reign
 */
public record Epoch(long value) implements Comparable<Epoch> {

    /** @throws IllegalArgumentException if negative */
    public Epoch {
        if (value < 0) {
            throw new IllegalArgumentException("an epoch is never negative: " + value);
        }
    }

    @Override
    public int compareTo(Epoch other) {
        return Long.compare(value, other.value);
    }

    @Override
    public String toString() {
        return Long.toString(value);
    }
}
