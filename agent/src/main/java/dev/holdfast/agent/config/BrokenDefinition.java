package dev.holdfast.agent.config;

import dev.holdfast.coordinator.protocol.Name;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * A file among the machines that defines none: it cannot be read, its syntax is wrong, a key is, or another file claims the
 * same as it. Immutable.
 *
 * @param file the file
 * @param vm the machine it most likely defines: by a line {@code name = ...}, else by the name of the file
 * @param groups what its lines {@code group = ...} name; more than one if it is torn
 * @param anyGroup whether it may belong to a group that its text does not tell
 * @param problems what is wrong with it, at least one
 */
public record BrokenDefinition(
        Path file, Optional<Name> vm, SortedSet<Name> groups, boolean anyGroup, List<Problem> problems) {

    /** It goes into the store, and onto terminals. */
    private static final int LONGEST = 400;

    /** Copies the collections. */
    public BrokenDefinition {
        groups = Collections.unmodifiableSortedSet(new TreeSet<>(groups));
        problems = List.copyOf(problems);
    }

    /** The first problem, in one line. */
    public String because() {
        String first = problems.get(0).text();
        String line = first.substring(0, Math.min(first.length(), LONGEST)).replace('\n', ' ');
        return problems.size() == 1 ? line : "%s (and %d more in this file)".formatted(line, problems.size() - 1);
    }
}
