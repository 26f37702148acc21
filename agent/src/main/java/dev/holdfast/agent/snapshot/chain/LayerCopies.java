package dev.holdfast.agent.snapshot.chain;

import java.io.IOException;

/** What the storage below a chain does with its layers by itself. One operation at a time for a chain, as everywhere. */
public interface LayerCopies {
    /** A storage that copies nothing. */
    LayerCopies NONE = new LayerCopies() {
        @Override
        public boolean keeps(Layer root) {
            return false;
        }

        @Override
        public void copy(Layer root, Layer copy) throws IOException {
            throw new ChainException("the storage of layers/%s does not copy it".formatted(root));
        }

        @Override
        public void remove(Layer copy) {}
    };

    /** Whether a snapshot on this layer is to be kept as a copy of it. Changes nothing; blocks for seconds. */
    boolean keeps(Layer root);

    /** Copies a layer that nobody writes: whole or not at all, durable on return. Again: does nothing. May take minutes. */
    void copy(Layer root, Layer copy) throws IOException;

    /** Removes what copying made, also half of it. Idempotent; blocks for seconds. */
    void remove(Layer copy) throws IOException;
}
