package dev.holdfast.agent.snapshot;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.coordinator.protocol.Refusal;
import java.io.IOException;
import java.io.Serial;

/** Something about a snapshot did not succeed. Carries the reason for the user, whose kind decides the exit code. */
public final class SnapshotException extends Exception {
    @Serial
    private static final long serialVersionUID = 1L;

    private final transient Refusal because;

    /** @param because what happened, why, and what to do */
    public SnapshotException(Refusal because) {
        super(because.text());
        this.because = because;
    }

    /**
     * @param because what happened, why, and what to do
     * @param cause what was behind it
     */
    public SnapshotException(Refusal because, Throwable cause) {
        super(because.text(), cause);
        this.because = because;
    }

    /** The hypervisor's reason. */
    static SnapshotException of(HypervisorException e) {
        String text = String.valueOf(e.getMessage());
        Refusal because = switch (e.kind()) {
            case REFUSED, NO_SPACE -> Refusal.preflight(text);
            case UNKNOWN -> Refusal.timedOut(text);
            case FAILED, GONE, GUEST_BROKEN -> Refusal.failed(text);
        };
        return new SnapshotException(because, e);
    }

    /** The file system's reason. */
    static SnapshotException of(IOException e) {
        if (e.getCause() instanceof HypervisorException behind) {
            return of(behind);
        }
        // Java's own exceptions for files have little but the file's name as their text.
        String text = e.getClass().getPackageName().startsWith("java.")
                ? e.getClass().getSimpleName() + ": " + e.getMessage()
                : String.valueOf(e.getMessage());
        return new SnapshotException(Refusal.failed(text), e);
    }

    /** A check that said no before anything was touched. */
    static SnapshotException refused(String text) {
        return new SnapshotException(Refusal.preflight(text));
    }

    /** Something else is under way. */
    static SnapshotException busy(String text) {
        return new SnapshotException(new Refusal(Refusal.Kind.BUSY, text));
    }

    /** The reason for the user. */
    public Refusal because() {
        return because;
    }
}
