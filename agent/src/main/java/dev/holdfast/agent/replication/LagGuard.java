package dev.holdfast.agent.replication;

import java.io.IOException;
import java.time.Duration;

/** Holds one machine's guest after a time, also if this agent has died by then. One thread at a time. */
public interface LagGuard {

    /**
     * Takes the place of what was armed before. The token comes back when the guest was held.
     *
     * @throws IOException the guard does not answer; what was armed before may still be in force
     */
    void arm(String token, Duration after) throws IOException;

    /** Does nothing if nothing is armed. */
    void disarm() throws IOException;
}
