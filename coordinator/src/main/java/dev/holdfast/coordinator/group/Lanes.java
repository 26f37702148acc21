package dev.holdfast.coordinator.group;

import java.util.function.Consumer;

/**
 * The ways to one life of one node.
 *
 * @param quick for messages of rounds and clocks, which are small
 * @param bulk for requests and answers, so that a large one does not hold up a freeze
 */
record Lanes(Lane quick, Lane bulk) implements AutoCloseable {

    private static final int QUICK_CAPACITY = 256;
    private static final int BULK_CAPACITY = 16;

    /** @param out sends; may block, must not throw */
    static Lanes open(String name, Consumer<byte[]> out) {
        return new Lanes(new Lane(name, QUICK_CAPACITY, out), new Lane(name + "-bulk", BULK_CAPACITY, out));
    }

    @Override
    public void close() {
        quick.close();
        bulk.close();
    }
}
