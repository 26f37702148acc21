package dev.holdfast.agent.cli;

import dev.holdfast.coordinator.protocol.Name;
import java.util.Optional;

/**
 * A checkpoint of a group, or a snapshot of a machine, as it is typed: {@code shop@nightly}, or {@code shop} alone.
 *
 * @param owner the group or the machine
 * @param item the checkpoint or the snapshot
 */
record Target(Name owner, Optional<Name> item) {

    /** @throws IllegalArgumentException with a message for the user */
    static Target parse(String text) {
        int at = text.indexOf('@');
        if (at < 0) {
            return new Target(new Name(text), Optional.empty());
        }
        return new Target(new Name(text.substring(0, at)), Optional.of(new Name(text.substring(at + 1))));
    }
}
