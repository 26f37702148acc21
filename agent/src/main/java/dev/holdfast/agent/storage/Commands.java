package dev.holdfast.agent.storage;

import dev.holdfast.agent.process.BoundedProcess.Ended;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** Runs the tools of a storage. A tool that is not installed ends with {@link #NOT_INSTALLED}. Thread-safe. */
public interface Commands {
    /** The exit status of a tool that is not there, as shells, {@code env} and {@code setpriv} have it. */
    int NOT_INSTALLED = 127;

    /**
     * Runs a tool that may be killed: it only reads, or what it leaves is removed. It ends with the agent.
     *
     * @param bound after which it is killed
     * @throws IOException if it did not end in time, or could not be run
     */
    Ended run(List<String> command, Duration bound) throws IOException;

    /**
     * Runs a tool that must not be killed, because it would leave a device suspended. It outlives the agent.
     *
     * @param patience how long to wait for it
     * @return empty if it has not ended by then, or the wait was interrupted: it goes on
     * @throws IOException if it could not be run
     */
    Optional<Ended> finish(List<String> command, Duration patience) throws IOException;
}
