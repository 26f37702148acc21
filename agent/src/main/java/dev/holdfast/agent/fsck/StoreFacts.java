package dev.holdfast.agent.fsck;

import dev.holdfast.coordinator.protocol.Name;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * What the store says. Immutable.
 *
 * @param checkpoints the catalogue
 * @param rounds the rounds there are, decided or not
 * @param groups the groups
 * @param claims the round that holds each machine, and each name of a checkpoint as {@code group@name}
 * @param unreadable what is wrong with records that cannot be read
 * @param known all nodes that have ever been there and were not forgotten
 */
public record StoreFacts(
        List<Checkpoint> checkpoints,
        List<Round> rounds,
        List<Group> groups,
        SortedMap<String, String> claims,
        List<String> unreadable,
        Set<Name> known) {

    /** Copies the collections. */
    public StoreFacts {
        known = Set.copyOf(known);
        checkpoints = List.copyOf(checkpoints);
        rounds = List.copyOf(rounds);
        groups = List.copyOf(groups);
        claims = Collections.unmodifiableSortedMap(new TreeMap<>(claims));
        unreadable = List.copyOf(unreadable);
    }

    /** A store that remembers no nodes. */
    public StoreFacts(
            List<Checkpoint> checkpoints,
            List<Round> rounds,
            List<Group> groups,
            SortedMap<String, String> claims,
            List<String> unreadable) {
        this(checkpoints, rounds, groups, claims, unreadable, Set.of());
    }

    /**
     * A checkpoint.
     *
     * @param group whose
     * @param name its name
     * @param round the round that made it
     * @param deleting whether its parts are being removed
     * @param parts its machines, and where they ran then
     */
    public record Checkpoint(Name group, Name name, String round, boolean deleting, List<Part> parts) {

        /** Copies the list. */
        public Checkpoint {
            parts = List.copyOf(parts);
        }

        String text() {
            return group + "@" + name;
        }
    }

    /**
     * A machine's part.
     *
     * @param vm the machine
     * @param node where it ran then
     * @param files names of its files
     */
    public record Part(Name vm, Name node, Set<String> files) {

        /** Copies the set. */
        public Part {
            files = Set.copyOf(files);
        }
    }

    /**
     * A round.
     *
     * @param id its id
     * @param text what it is for, for people
     * @param committed how it was decided; empty if it is open
     * @param waitsFor nodes whose word is missing
     * @param members who takes part, with the machines that it had when the round was opened
     * @param revert whether it is a revert, and no checkpoint
     */
    public record Round(
            String id,
            String text,
            Optional<Boolean> committed,
            List<Name> waitsFor,
            Map<Name, Set<Name>> members,
            boolean revert) {

        /** Copies the collections. */
        public Round {
            waitsFor = List.copyOf(waitsFor);
            members = Map.copyOf(members);
        }

        /** Whether it cannot end without a word of this node, now or later. */
        boolean needs(Name node) {
            return waitsFor.contains(node) || committed.isEmpty() && members.containsKey(node);
        }

        SortedSet<Name> vms() {
            return members.values().stream().flatMap(Set::stream).collect(Collectors.toCollection(TreeSet::new));
        }
    }

    /** A group and its machines. */
    public record Group(Name name, Set<Name> vms) {

        /** Copies the set. */
        public Group {
            vms = Set.copyOf(vms);
        }
    }

    Optional<Round> round(String id) {
        return rounds.stream().filter(round -> round.id().equals(id)).findFirst();
    }

    Optional<Checkpoint> checkpoint(Name group, Name name) {
        return checkpoints.stream()
                .filter(checkpoint ->
                        checkpoint.group().equals(group) && checkpoint.name().equals(name))
                .findFirst();
    }
}
