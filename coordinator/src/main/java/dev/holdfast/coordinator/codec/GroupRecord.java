package dev.holdfast.coordinator.codec;

import dev.holdfast.coordinator.protocol.Name;
import java.util.Collections;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * A group's own record in the store. Immutable.
 *
 * @param name its name
 * @param vms its machines
 */
public record GroupRecord(Name name, SortedSet<Name> vms) {

    public GroupRecord {
        vms = Collections.unmodifiableSortedSet(new TreeSet<>(vms));
    }
}
