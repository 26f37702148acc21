package dev.holdfast.agent.virsh;

import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Something asked of virsh did not succeed. The message says what, why and what to do. */
public final class VirshException extends IOException {
    private static final long serialVersionUID = 1L;

    /** What the caller may conclude. */
    public enum Kind {
        /** libvirt says no, in its own words, and goes on answering. */
        REFUSED,
        /** There is no virsh, or it reaches no libvirtd, or did not a moment ago: nothing was asked of anybody. */
        ABSENT,
        /** It has lost libvirtd, in whose place there may be another one soon: whether what was asked has happened is not known. */
        LOST,
        /** No answer, or none that can be read: what was asked may still happen. This virsh is of no use any more. */
        UNKNOWN
    }

    private final Kind kind;

    VirshException(Kind kind, String message) {
        this(kind, message, null);
    }

    VirshException(Kind kind, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    /** There is no such program. */
    static VirshException notStarted(List<String> command, IOException because) {
        return new VirshException(
                Kind.ABSENT,
                "%s cannot be started: %s; install the package libvirt-clients"
                        .formatted(command.get(0), because.getMessage()),
                because);
    }

    /** What the caller may conclude. */
    public Kind kind() {
        return kind;
    }
}
