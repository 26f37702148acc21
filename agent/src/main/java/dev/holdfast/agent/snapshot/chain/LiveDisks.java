package dev.holdfast.agent.snapshot.chain;

import java.io.IOException;
import java.util.Optional;
import java.util.SortedMap;

/** The disks of a machine that runs, as far as a change of its chain concerns them. */
public interface LiveDisks {
    /** A machine that runs nowhere. */
    LiveDisks NONE = new LiveDisks() {
        @Override
        public Optional<SortedMap<String, Layer>> written() {
            return Optional.empty();
        }

        @Override
        public boolean holds(Layer layer) {
            return false;
        }

        @Override
        public void cut(Generation to) throws IOException {
            throw new ChainException("the machine does not run, so that its disks cannot be cut");
        }

        @Override
        public void merge(Layer top, Layer base) throws IOException {
            throw new ChainException("the machine does not run, so that it cannot merge layers");
        }

        @Override
        public LiveSettling settling() {
            return LiveSettling.NONE;
        }
    };

    /** The layers that it writes; empty if it does not run. */
    Optional<SortedMap<String, Layer>> written() throws IOException;

    /** Whether it has the layer open. */
    boolean holds(Layer layer) throws IOException;

    /** From now on it writes these, all at once. They exist and are the head's. */
    void cut(Generation to) throws IOException;

    /** Copies one layer below the written one into another, and opens what stood on it on that one. */
    void merge(Layer top, Layer base) throws IOException;

    /** The way of its disks back into the images below the layers that it writes. The same one each time. */
    LiveSettling settling();
}
