package dev.holdfast.agent.fsck;

import dev.holdfast.coordinator.protocol.Name;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What one node sees. Immutable; goes over the wire.
 *
 * @param node the node
 * @param machines those that are defined on it
 * @param undefined machines that run on it and of which it has no definition
 * @param unreadable definitions that cannot be read
 * @param journal operations that were begun and have not ended
 * @param unreadableEntries what is wrong with entries of the journal that cannot be read
 */
public record NodeFacts(
        Name node,
        List<MachineFacts> machines,
        List<Name> undefined,
        List<Unreadable> unreadable,
        List<Entry> journal,
        List<String> unreadableEntries) {

    /** Copies the lists. */
    public NodeFacts {
        machines = List.copyOf(machines);
        undefined = List.copyOf(undefined);
        unreadable = List.copyOf(unreadable);
        journal = List.copyOf(journal);
        unreadableEntries = List.copyOf(unreadableEntries);
    }

    /** The same with more machines. */
    public NodeFacts with(List<MachineFacts> more) {
        List<MachineFacts> all = new ArrayList<>(machines);
        all.addAll(more);
        return new NodeFacts(node, all, undefined, unreadable, journal, unreadableEntries);
    }

    /**
     * A definition that cannot be read.
     *
     * @param vm the machine, as far as it can be told
     * @param because what is wrong with it
     */
    public record Unreadable(Optional<Name> vm, String because) {}

    /**
     * An operation of the journal.
     *
     * @param operation its id
     * @param kind what it is for, for people
     * @param round whether it is a part in a round
     * @param inDoubt whether this node may no longer give it up alone
     * @param vms its machines
     */
    public record Entry(String operation, String kind, boolean round, boolean inDoubt, List<Name> vms) {

        /** Copies the list. */
        public Entry {
            vms = List.copyOf(vms);
        }
    }
}
