package dev.holdfast.coordinator.engine;

import dev.holdfast.coordinator.protocol.Refusal;

/** What was asked for did not come about, and left nothing behind. */
public final class RoundRefusedException extends Exception {

    private static final long serialVersionUID = 1L;

    private final transient Refusal because;

    /** @param because the reason for the user */
    public RoundRefusedException(Refusal because) {
        super(because.text());
        this.because = because;
    }

    /** The reason for the user. */
    public Refusal because() {
        return because;
    }
}
