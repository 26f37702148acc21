package dev.holdfast.coordinator.port;

import dev.holdfast.coordinator.protocol.Name;
import java.util.Collections;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * Which keys for memory images a node has, each by a name that tells nothing of the key. Immutable.
 *
 * @param writing the one with which it encrypts; empty: it does not
 * @param reading all that it can read with, the one it encrypts with among them
 */
public record ImageKeys(Optional<Name> writing, SortedSet<Name> reading) {

    /** Nothing is encrypted. */
    public static final ImageKeys NONE = new ImageKeys(Optional.empty(), Collections.emptySortedSet());

    /** Copies the set. */
    public ImageKeys {
        reading = Collections.unmodifiableSortedSet(new TreeSet<>(reading));
    }

    /** Whether the images that another node writes can be read with these. */
    public boolean reads(ImageKeys other) {
        return other.writing.isEmpty() || reading.contains(other.writing.get());
    }
}
