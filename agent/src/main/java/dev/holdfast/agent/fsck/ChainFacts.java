package dev.holdfast.agent.fsck;

import dev.holdfast.coordinator.protocol.Name;
import java.util.List;
import java.util.Optional;

/**
 * What is in one chain directory. Immutable; goes over the wire. Files are absolute paths.
 *
 * @param path the directory
 * @param change the change that its intent says is under way
 * @param parts the snapshots whose sidecars can be read, decided or not
 * @param problems what has to be put right and no repair can, in words
 * @param leftovers files that nothing in the chain needs
 * @param missing files that something in the chain names and that are not there
 * @param lost what recoveries took away
 */
public record ChainFacts(
        String path,
        Optional<Change> change,
        List<SnapshotPart> parts,
        List<String> problems,
        List<Leftover> leftovers,
        List<Missing> missing,
        List<String> lost) {

    /** Copies the lists. */
    public ChainFacts {
        parts = List.copyOf(parts);
        problems = List.copyOf(problems);
        leftovers = List.copyOf(leftovers);
        missing = List.copyOf(missing);
        lost = List.copyOf(lost);
    }

    /**
     * A change of the chain.
     *
     * @param operation who makes it
     * @param kind {@code cut}, {@code revert} or {@code merge}
     * @param own whether the operation is one node's own, and no round
     * @param journaled whether this node's journal has the operation, or may have
     * @param moved whether it is a revert and the head names the new timeline: then it was committed
     */
    public record Change(String operation, String kind, boolean own, boolean journaled, boolean moved) {}

    /**
     * A snapshot.
     *
     * @param name its name
     * @param operation who made it: the id of the round, for a part of a checkpoint
     * @param group the group whose checkpoint it is a part of
     * @param pending whether it waits for its decision
     */
    public record SnapshotPart(Name name, String operation, Optional<Name> group, boolean pending) {}

    /**
     * A file that nothing in the chain needs.
     *
     * @param file where it is
     * @param text what it is
     * @param snapshot the undecided snapshot it belongs to, if any: then the catalogue is asked first
     */
    public record Leftover(String file, String text, Optional<Name> snapshot) {}

    /**
     * A file that is not there.
     *
     * @param file where it should be
     * @param neededBy what names it, for people
     * @param found where in {@code lost/} it is, if it certainly is
     */
    public record Missing(String file, String neededBy, Optional<String> found) {}

    /** Whether there is a snapshot of that name, decided or not, whose sidecar can be read. */
    boolean has(Name snapshot) {
        return parts.stream().anyMatch(part -> part.name().equals(snapshot));
    }

    /** The snapshot that waits for its decision, if its sidecar can be read. */
    Optional<SnapshotPart> pending(Name snapshot) {
        return parts.stream()
                .filter(part -> part.pending() && part.name().equals(snapshot))
                .findFirst();
    }
}
