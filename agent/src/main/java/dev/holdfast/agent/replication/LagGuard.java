package dev.holdfast.agent.replication;

import java.io.IOException;
import java.time.Duration;

/** Holds one machine's guest after a time, also if this agent has died by then. Thread-safe. */
public interface LagGuard {

    /**
     * Takes the place of what was armed before.
     *
     * @throws IOException the guard does not answer; what was armed before may still be in force
     */
    void arm(Duration after) throws IOException;

    /** Does nothing if nothing is armed; also for what an agent before this one has armed. */
    void disarm() throws IOException;
}
