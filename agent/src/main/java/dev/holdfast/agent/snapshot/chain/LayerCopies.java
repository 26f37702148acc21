package dev.holdfast.agent.snapshot.chain;

import java.io.IOException;
import java.util.SortedMap;

/**
 * Copies of a chain's layers that the storage below it makes by itself, or the machine on it. One operation at a time for a chain, as
 * everywhere.
 */
public interface LayerCopies {
    /** A storage that copies nothing. */
    LayerCopies NONE = new LayerCopies() {
        @Override
        public boolean keeps(Layer root) {
            return false;
        }

        @Override
        public boolean counts(Layer root) {
            return false;
        }

        @Override
        public Layer copyOf(Layer root, int number) {
            return root.copy(number);
        }

        @Override
        public void copy(SortedMap<Layer, Layer> copies) throws IOException {
            throw new ChainException("the storage of layers/%s does not copy it".formatted(copies.firstKey()));
        }

        @Override
        public void remove(Layer copy) {}

        @Override
        public void merged(Layer top, Layer base) {}
    };

    /** Whether a snapshot on this layer is to be kept as a copy of it. Changes nothing; blocks for seconds. */
    boolean keeps(Layer root);

    /**
     * The number of its next copy.
     *
     * @param lowest that no layer of its chain has
     * @return that or a higher one, which no copy has that an earlier chain of the machine has left
     * @throws IOException nobody tells
     */
    default int number(Layer root, int lowest) throws IOException {
        return lowest;
    }

    /** Whether its copies are increments, which the machine makes. */
    boolean counts(Layer root);

    /**
     * What its copy of that number is called: the name says what becomes of it when the layer goes, and whether it can take its place. Blocks for
     * seconds.
     *
     * @throws IOException nobody tells
     */
    Layer copyOf(Layer root, int number) throws IOException;

    /**
     * Copies layers that nobody writes, each whole or not at all; durable on return. Not asked for one that is whole. May take minutes, and
     * gives way to whoever wants the machine if it would.
     *
     * @param copies by the layer: one, or several that are increments by {@link #counts}
     */
    void copy(SortedMap<Layer, Layer> copies) throws IOException;

    /** Removes what copying made, also half of it. Idempotent; blocks for seconds. */
    void remove(Layer copy) throws IOException;

    /** A layer holds by now what a copy on it held, which is about to go. Idempotent. */
    void merged(Layer top, Layer base);
}
