package dev.holdfast.agent.hypervisor;

/**
 * TCP ports on which this node waits for machines that move to it, so that a firewall can let them through. Immutable.
 *
 * @param first 1 to 65535
 * @param last not less than the first
 */
public record PortRange(int first, int last) {
    private static final int LAST_PORT = 65_535;

    /** Checks the bounds. */
    public PortRange {
        if (first < 1 || last > LAST_PORT || first > last) {
            throw new IllegalArgumentException(
                    "ports " + first + " to " + last + " are no range from 1 to " + LAST_PORT);
        }
    }

    /**
     * Reads {@code 49152-49215}, or a single port.
     *
     * @throws IllegalArgumentException with a message for the user
     */
    public static PortRange of(String text) {
        String[] ends = text.strip().split("\\s*-\\s*", 2);
        if (!ends[0].matches("\\d{1,5}") || !ends[ends.length - 1].matches("\\d{1,5}")) {
            throw new IllegalArgumentException("write two ports: \"49152-49215\"");
        }
        return new PortRange(Integer.parseInt(ends[0]), Integer.parseInt(ends[ends.length - 1]));
    }

    @Override
    public String toString() {
        return first + "-" + last;
    }
}
