package dev.holdfast.agent.control.reply;

import dev.holdfast.coordinator.protocol.Name;
import java.util.List;

/**
 * The answer to {@code checkpoint.verify}. The command ends with exit code 1 if anything is not right.
 *
 * @param files everything that was looked at, on every node
 */
public record Verification(List<Row> files) {

    /** Copies the list. */
    public Verification {
        files = List.copyOf(files);
    }

    /** Whether all is right. */
    public boolean passed() {
        return files.stream().allMatch(row -> row.state() == State.INTACT);
    }

    /** Whether something was found that is not right. */
    public boolean failed() {
        return files.stream().anyMatch(row -> row.state() == State.DAMAGED);
    }

    /** Whether a key was missing. */
    public boolean lacksKeys() {
        return files.stream().anyMatch(row -> row.state() == State.UNREADABLE);
    }

    /** What was found. */
    public enum State {
        /** It is as it was. */
        INTACT,
        /** It is not. */
        DAMAGED,
        /** Its key is not on that node, so that nobody can tell; what can be told without it is as it was. */
        UNREADABLE,
        /** It could not be looked at. */
        UNKNOWN
    }

    /**
     * One file, or one chain.
     *
     * @param vm the machine it belongs to
     * @param node where it is
     * @param role {@code memory}, {@code disk:<id>}, {@code sidecar} or {@code chain}
     * @param path where it is
     * @param state whether it is as it was
     * @param detail what is wrong, or empty
     */
    public record Row(Name vm, Name node, String role, String path, State state, String detail) {}
}
