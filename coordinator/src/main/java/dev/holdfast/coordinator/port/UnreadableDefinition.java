package dev.holdfast.coordinator.port;

import dev.holdfast.coordinator.protocol.Name;
import java.util.Collections;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * A file that should define a machine of a node, and does not. Immutable.
 *
 * @param file where it is on its node
 * @param vm the machine it most likely defines
 * @param groups the groups it names, as far as can be told
 * @param anyGroup whether it may also belong to groups that nobody can name
 * @param because what is wrong and what to do, for people
 */
public record UnreadableDefinition(
        String file, Optional<Name> vm, SortedSet<Name> groups, boolean anyGroup, String because) {

    /** Copies the set. */
    public UnreadableDefinition {
        groups = Collections.unmodifiableSortedSet(new TreeSet<>(groups));
    }

    /** Whether a checkpoint of a group might be one without this machine. */
    public boolean mayBelongTo(Name group) {
        return anyGroup || groups.contains(group);
    }
}
