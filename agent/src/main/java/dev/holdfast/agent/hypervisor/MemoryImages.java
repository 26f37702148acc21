package dev.holdfast.agent.hypervisor;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/** What the files of memory images tell without being loaded. Blocks on the disk. Thread-safe. */
public interface MemoryImages {
    /** Nothing: they are written as they are. */
    MemoryImages PLAIN = new MemoryImages() {
        @Override
        public boolean isEncrypted(Path image) {
            return false;
        }

        @Override
        public Optional<String> obstacle(Path image) {
            return Optional.empty();
        }

        @Override
        public Optional<String> missingKey(Path image) {
            return Optional.empty();
        }

        @Override
        public Optional<String> damage(Path image, Progress progress) {
            return Optional.empty();
        }
    };

    /** Whether it is encrypted, by its first bytes. */
    boolean isEncrypted(Path image) throws IOException;

    /** Why it cannot be loaded on this node, as far as its first bytes tell: a missing key, or bad storage. Says what to do. */
    Optional<String> obstacle(Path image);

    /** Why nobody on this node can tell whether it was altered: the key that it is encrypted with is not here. Says what to do. */
    Optional<String> missingKey(Path image) throws IOException;

    /** As {@link #obstacle}, and what has been altered in it, for an image that proves that: reads all of it. */
    Optional<String> damage(Path image, Progress progress) throws IOException;
}
