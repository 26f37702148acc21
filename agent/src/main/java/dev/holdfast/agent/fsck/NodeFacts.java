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
 * @param making decisions that were read and are being made true, seen before anything else was; also without an entry of the journal
 */
public record NodeFacts(
        Name node,
        List<MachineFacts> machines,
        List<Name> undefined,
        List<Unreadable> unreadable,
        List<Entry> journal,
        List<String> unreadableEntries,
        List<Making> making) {

    /** Copies the lists. */
    public NodeFacts {
        machines = List.copyOf(machines);
        undefined = List.copyOf(undefined);
        unreadable = List.copyOf(unreadable);
        journal = List.copyOf(journal);
        unreadableEntries = List.copyOf(unreadableEntries);
        making = List.copyOf(making);
    }

    /** A node that makes no decision true at the moment. */
    public NodeFacts(
            Name node,
            List<MachineFacts> machines,
            List<Name> undefined,
            List<Unreadable> unreadable,
            List<Entry> journal,
            List<String> unreadableEntries) {
        this(node, machines, undefined, unreadable, journal, unreadableEntries, List.of());
    }

    /** The decision of a round that this node is making true, if there is one. */
    Optional<Making> making(String round) {
        return making.stream().filter(one -> one.round().equals(round)).findFirst();
    }

    /** The same with more machines. */
    public NodeFacts with(List<MachineFacts> more) {
        List<MachineFacts> all = new ArrayList<>(machines);
        all.addAll(more);
        return new NodeFacts(node, all, undefined, unreadable, journal, unreadableEntries, making);
    }

    /**
     * A decision that a node has read and not yet made true: neither its journal nor its disks show it.
     *
     * @param round which
     * @param committed what was read
     */
    public record Making(String round, boolean committed) {}

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
     * @param vms its machines here
     * @param doubt if it is in doubt about a round: what its disks say of that
     */
    public record Entry(
            String operation, String kind, boolean round, boolean inDoubt, List<Name> vms, Optional<Doubt> doubt) {

        /** Copies the list. */
        public Entry {
            vms = List.copyOf(vms);
        }

        /** An entry about which nothing more is known. */
        public Entry(String operation, String kind, boolean round, boolean inDoubt, List<Name> vms) {
            this(operation, kind, round, inDoubt, vms, Optional.empty());
        }
    }

    /**
     * What a node that is in doubt about a round knows of it.
     *
     * @param members who takes part, this node included
     * @param counts machines of this node on whose disks the round was made true: it was committed
     * @param unseen machines of this node whose chains could not be looked at
     */
    public record Doubt(List<Member> members, List<Name> counts, List<Name> unseen) {

        /** Copies the lists. */
        public Doubt {
            members = List.copyOf(members);
            counts = List.copyOf(counts);
            unseen = List.copyOf(unseen);
        }
    }

    /** A machine that takes part in a round, and where. */
    public record Member(Name node, Name vm) {}
}
