package dev.holdfast.agent.vm;

import dev.holdfast.agent.config.BrokenDefinition;
import dev.holdfast.coordinator.protocol.Name;
import java.util.List;
import java.util.Optional;

/**
 * The definitions of this node that cannot be read, and what to say to those who ask for their machines. Immutable.
 *
 * @param files by path
 */
public record Unreadable(List<BrokenDefinition> files) {

    /** What to do about such a file. */
    public static final String CORRECTION = "correct the file, then 'systemctl restart holdfast'; machines run on";

    /** All can be read. */
    public static final Unreadable NONE = new Unreadable(List.of());

    /** Copies the list. */
    public Unreadable {
        files = List.copyOf(files);
    }

    /** Why a machine is not there although there is a file for it; empty if there is none. */
    public Optional<String> reason(Name vm) {
        return files.stream()
                .filter(file -> file.vm().equals(Optional.of(vm)))
                .map(file -> "its definition cannot be read: " + file.because())
                .reduce((one, other) -> one + "; " + other);
    }

    /** For a machine that this node does not have. */
    public String missing(Name vm) {
        return reason(vm)
                .map(why -> "there is no machine %s on this node, for %s; %s".formatted(vm, why, CORRECTION))
                .orElseGet(() -> "there is no machine " + vm + " on this node; 'holdfast vm list' shows what there is");
    }
}
